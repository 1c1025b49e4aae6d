import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { generate } from 'selfsigned';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openCertificateFiles } from '../src/http/tls/certificate-files.ts';
import { openSelfSigned } from '../src/http/tls/self-signed.ts';
import { createFakeTimers } from '../src/testing/fake-timers.ts';
import { expectCode } from './expect-code.ts';
import { createEchoControl, createHttpRig, startService } from './http-rig.ts';

const DAY_MS = 86_400_000;

/** A directory, a clock and a log. */
function createPlace() {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-tls-'));
  const timers = createFakeTimers();
  const startMs = Date.now() - timers.now();
  const faults: string[] = [];
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: ({ fault }: { fault?: unknown }) => void faults.push(`${fault}`),
  };
  const deps = { log, now: () => startMs + timers.now(), setTimer: timers.setTimer };
  return { directory, timers, faults, deps, remove: () => rmSync(directory, { recursive: true }) };
}

async function writePair(directory: string, name: string, days = 90) {
  const notAfterDate = new Date(Date.now() + days * DAY_MS);
  const notBeforeDate = new Date(Date.now() - 100 * DAY_MS);
  const pair = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate,
    notAfterDate,
  });
  const files = { certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') };
  writeFileSync(files.certificate, pair.cert);
  writeFileSync(files.key, pair.private);
  return { ...files, chain: pair.cert };
}

function peerCertificate(port: number): Promise<DetailedPeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate(true));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

test('a certificate of one’s own is made once, kept 0600, and names the server', async () => {
  const { directory: stateDir, deps, remove } = createPlace();
  const hosts = ['cloud.example', '192.0.2.1', '2001:db8::1'];
  const first = await openSelfSigned({ stateDir, hosts }, deps);
  const second = await openSelfSigned({ stateDir, hosts }, deps);
  assert.is(first.current.chain, second.current.chain);
  assert.is(first.isTrusted, false);
  assert.is(statSync(join(stateDir, 'self-signed.pem')).mode & 0o777, 0o600);
  const certificate = new X509Certificate(first.current.chain);
  assert.is(certificate.checkHost('cloud.example'), 'cloud.example');
  for (const address of hosts.slice(1)) assert.is(certificate.checkIP(address), address);
  assert.is(certificate.ca, false);
  remove();
});

test('it is made anew when a third of its life is left, running or at a start, and when the file is spoilt', async () => {
  const { directory: stateDir, deps, timers, remove } = createPlace();
  const source = await openSelfSigned({ stateDir, hosts: [] }, deps);
  const first = source.current.chain;
  timers.advance(500 * DAY_MS);
  assert.is(source.current.chain, first);
  const renewed = new Promise<string>((resolve) => source.watch(({ chain }) => resolve(chain)));
  timers.advance(60 * DAY_MS);
  assert.is.not(await renewed, first);
  source.close();
  const again = await openSelfSigned({ stateDir, hosts: [] }, deps);
  again.close();
  const found = again.current.chain;
  assert.is(new X509Certificate(found).fingerprint256, new X509Certificate(source.current.chain).fingerprint256);
  timers.advance(700 * DAY_MS);
  assert.is.not((await openSelfSigned({ stateDir, hosts: [] }, deps)).current.chain, found);
  writeFileSync(join(stateDir, 'self-signed.pem'), 'spoilt');
  assert.match((await openSelfSigned({ stateDir, hosts: [] }, deps)).current.chain, 'BEGIN CERTIFICATE');
  assert.match(readFileSync(join(stateDir, 'self-signed.pem'), 'latin1'), 'BEGIN CERTIFICATE');
  remove();
});

test('files that are replaced are served to connections to come, without a restart', async () => {
  const { directory, timers, remove } = createPlace();
  const files = await writePair(directory, 'first.example');
  const rig = await createHttpRig();
  const service = await startService(rig, createEchoControl(), { tls: { kind: 'files', ...files } }, timers);
  const port = service.service.ports[0]!;
  assert.is(service.service.isPublic, true);
  assert.is((await peerCertificate(port)).subject.CN, 'first.example');
  await writePair(directory, 'second.example');
  timers.advance(10_000);
  assert.is((await peerCertificate(port)).subject.CN, 'second.example');
  await service.close();
  remove();
});

test('files that cannot be used name the file, and stop a start', async () => {
  const { directory, deps, remove } = createPlace();
  const open = async (files: { certificate: string; key: string }) => openCertificateFiles(files, deps);
  const good = await writePair(directory, 'a.example');
  const missing = join(directory, 'missing');
  const spoilt = join(directory, 'spoilt');
  writeFileSync(spoilt, 'spoilt');
  const other = mkdtempSync(join(directory, 'other-'));
  const foreign = await writePair(other, 'b.example');
  const cases: [Parameters<typeof open>[0], string][] = [
    [{ ...good, certificate: missing }, `certificate file "${missing}": ENOENT`],
    [{ ...good, key: missing }, `key file "${missing}": ENOENT`],
    [{ ...good, certificate: spoilt }, `certificate file "${spoilt}": expected PEM`],
    [{ ...good, key: spoilt }, `key file "${spoilt}": expected PEM`],
    [{ ...good, key: foreign.key }, `key file "${foreign.key}": it belongs to another certificate`],
  ];
  for (const [files, message] of cases)
    assert.match((await expectCode(open(files), 'CERTIFICATE_INVALID')).message, message);
  const ended = await writePair(other, 'c.example', -1);
  assert.match((await expectCode(open(ended), 'CERTIFICATE_INVALID')).message, `${ended.certificate}": it ended on`);
  remove();
});

test('while files are bad the last ones stay, it is said once, and good ones end it', async () => {
  const { directory, deps, timers, faults, remove } = createPlace();
  const files = await writePair(directory, 'first.example');
  const source = openCertificateFiles(files, deps);
  const changes: string[] = [];
  source.watch(({ chain }) => changes.push(chain));
  writeFileSync(files.key, 'spoilt');
  timers.advance(60_000);
  assert.is(source.current.chain, files.chain);
  assert.is(faults.length, 1);
  assert.match(faults[0]!, files.key);
  const second = await writePair(directory, 'second.example');
  timers.advance(10_000);
  assert.equal(changes, [second.chain]);
  source.close();
  remove();
});

test('old versions of TLS are refused', async () => {
  const service = await startService(await createHttpRig(), createEchoControl());
  const port = service.service.ports[0]!;
  const refused = await new Promise<boolean>((resolve) => {
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.1' as const };
    const socket = connect({ ...options, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }, () => {
      resolve(false);
      socket.destroy();
    });
    socket.on('error', () => resolve(true));
  });
  assert.is(refused, true);
  await service.close();
});

test.run();
