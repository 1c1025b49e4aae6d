import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openAcme } from '../src/http/tls/acme.ts';
import { type CertificateSource, checkCertificate } from '../src/http/tls/certificate.ts';
import { createSeededRandom } from '../src/testing/accounts-rig.ts';
import { createFakeTimers } from '../src/testing/fake-timers.ts';
import { expectCode } from './expect-code.ts';
import { type Pebble, startPebble } from './pebble.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const directory = mkdtempSync(join(tmpdir(), 'pcloud-acme-'));
let pebble: Pebble;

test.before(async () => {
  pebble = await startPebble(directory);
});
test.after(async () => {
  await pebble.close();
  rmSync(directory, { recursive: true });
});

/** A server that asks the authority, on a clock that the test moves. */
function createPlace(stateDir = mkdtempSync(join(directory, 'state-'))) {
  const timers = createFakeTimers();
  const startMs = Date.now() - timers.now();
  let tell: (fields: { fault: string; retryMs: number }) => void = () => {};
  const log = { debug() {}, info() {}, warn() {}, error: (fields: unknown) => tell(fields as never) };
  return {
    stateDir,
    timers,
    /** The next line of the log that tells of a failure. */
    fault: () =>
      new Promise<{ fault: string; retryMs: number }>((resolve) => {
        tell = resolve;
      }),
    open: (options: { readonly domains?: readonly string[]; readonly challengePort?: number; caFile?: string } = {}) =>
      openAcme(
        {
          kind: 'acme',
          stateDir,
          hosts: ['cloud.example'],
          directoryUrl: pebble.directoryUrl,
          domains: ['cloud.example', 'www.cloud.example'],
          email: 'ann@cloud.example',
          caFile: pebble.caFile,
          challengePort: pebble.challengePort,
          ...options,
        },
        { log, now: () => startMs + timers.now(), setTimer: timers.setTimer, random: createSeededRandom(1) },
      ),
  };
}

const changed = (source: CertificateSource): Promise<string> =>
  new Promise((resolve) => source.watch(({ chain }) => resolve(chain)));

test('the authority’s certificate replaces the own one, is kept 0600 with its account, and serves the next start', async () => {
  const place = createPlace();
  const source = await place.open();
  assert.equal([source.isTrusted, new X509Certificate(source.current.chain).subject], [false, 'CN=pcloud']);
  const chain = await changed(source);
  source.close();
  const certificate = new X509Certificate(chain);
  assert.match(certificate.issuer, 'Pebble');
  for (const name of ['cloud.example', 'www.cloud.example']) assert.is(certificate.checkHost(name), name);
  assert.equal([source.isTrusted, source.current.chain], [true, chain]);
  for (const name of ['acme.pem', 'acme-account.key']) {
    assert.is(statSync(join(place.stateDir, name)).mode & 0o777, 0o600, name);
  }
  const next = await createPlace(place.stateDir).open();
  assert.equal([next.isTrusted, next.current.chain], [true, chain]);
  next.close();
});

test('it is renewed with the same account when a third of its life is left, and not before', async () => {
  const place = createPlace();
  const source = await place.open();
  const first = await changed(source);
  const account = readFileSync(join(place.stateDir, 'acme-account.key'), 'latin1');
  const { fromMs, untilMs } = checkCertificate(source.current);
  assert.ok(untilMs - fromMs > 89 * DAY_MS);
  let changes = 0;
  const renewed = new Promise<string>((resolve) => {
    source.watch(({ chain }) => {
      changes += 1;
      resolve(chain);
    });
  });
  place.timers.advance(59 * DAY_MS);
  assert.is(changes, 0);
  place.timers.advance(DAY_MS + 2 * HOUR_MS);
  assert.is.not(await renewed, first);
  assert.is(readFileSync(join(place.stateDir, 'acme-account.key'), 'latin1'), account);
  source.close();
});

test('a certificate that has ended is not shown, and the console is inside again', async () => {
  const place = createPlace();
  const source = await place.open();
  await changed(source);
  source.close();
  place.timers.advance(91 * DAY_MS);
  assert.equal([source.isTrusted, new X509Certificate(source.current.chain).subject], [false, 'CN=pcloud']);
});

test('other domains than before are asked for anew', async () => {
  const place = createPlace();
  const first = await place.open();
  await changed(first);
  first.close();
  const second = await place.open({ domains: ['other.example'] });
  assert.is(second.isTrusted, false);
  assert.is(new X509Certificate(await changed(second)).checkHost('other.example'), 'other.example');
  second.close();
});

test('what fails is said and tried again, later each time, until it works', async () => {
  const place = createPlace();
  const blocker = createServer().listen(pebble.challengePort);
  const first = place.fault();
  const source = await place.open();
  const one = await first;
  assert.match(one.fault, `port ${pebble.challengePort}`);
  assert.ok(one.retryMs >= 30_000 && one.retryMs <= 60_000, `${one.retryMs}`);
  const second = place.fault();
  place.timers.advance(one.retryMs);
  const two = await second;
  assert.ok(two.retryMs >= 60_000 && two.retryMs <= 120_000, `${two.retryMs}`);
  await new Promise((resolve) => blocker.close(resolve));
  const got = changed(source);
  place.timers.advance(two.retryMs);
  assert.match(new X509Certificate(await got).issuer, 'Pebble');
  source.close();
});

test('a CA file that is not there stops the start and is named', async () => {
  const caFile = join(directory, 'missing');
  const error = await expectCode(createPlace().open({ caFile }), 'CERTIFICATE_INVALID');
  assert.match(error.message, `CA file "${caFile}": ENOENT`);
});

test.run();
