import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { encodeBase64, formatJoinLink, formatNetworkId } from '@pcloud/netmap';
import { createNobleCrypto } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CliRig, type Reply, withRig } from './cli-rig.ts';

const NETWORK = new Uint8Array(32).fill(7);
const CHANNEL = createNobleCrypto().publicKey(new Uint8Array(32).fill(9));
const LINK = formatJoinLink({
  urls: ['https://192.0.2.10:8443'],
  networkId: NETWORK,
  channelKey: CHANNEL,
  token: 'a-token',
});
const TARGET = {
  urls: ['https://192.0.2.10:8443'],
  networkId: formatNetworkId(NETWORK),
  channelKey: encodeBase64(CHANNEL),
  token: 'a-token',
};
const JOINED = { kind: 'joined', name: 'laptop', addresses: ['10.0.0.2', 'fd00::2'] };

/** A daemon that runs, whose `/up` answers this. */
function serve(rig: CliRig, up: Reply, wait: Reply = () => JOINED): Promise<void> {
  return rig.serve('daemon.sock', (asked) => {
    if (asked.request === 'POST /up') return up(asked);
    return asked.request === 'POST /wait' ? wait(asked) : {};
  });
}

test('a link in an argument joins, and the name and addresses are told', () =>
  withRig(async (rig) => {
    await serve(rig, () => JOINED);
    const { code, out } = await rig.run(['up', LINK]);
    assert.is(code, 0);
    assert.is(out, 'laptop is up: 10.0.0.2, fd00::2\n');
    assert.equal((rig.asked.at(-1)!.input as { target: unknown }).target, TARGET);
    const json = await rig.run(['up', LINK, '--json']);
    assert.equal(JSON.parse(json.out), { name: 'laptop', addresses: ['10.0.0.2', 'fd00::2'] });
  }));

test('- reads the link from standard input, white space around it', () =>
  withRig(async (rig) => {
    await serve(rig, () => JOINED);
    assert.is((await rig.run('up -', { input: `\n  ${LINK}\n` })).code, 0);
    assert.equal((rig.asked.at(-1)!.input as { target: unknown }).target, TARGET);
  }));

test('without a link a member resumes', () =>
  withRig(async (rig) => {
    await serve(rig, () => JOINED);
    mkdirSync(join(rig.directory, 'state'));
    writeFileSync(join(rig.directory, 'state/membership.json'), '{}');
    assert.is((await rig.run('up')).code, 0);
    assert.is('target' in (rig.asked.at(-1)!.input as object), false);
  }));

test('a bad link is told before anything is asked or started, naming what is wrong with it', () =>
  withRig(async (rig) => {
    for (const [link, field] of [
      ['hello', 'url'],
      ['', 'url'],
      ['https://192.0.2.10:8443', 'url'],
      [LINK.slice(0, -4), 'checksum'],
      [LINK.replace('a-token', 'b-token'), 'checksum'],
      [LINK.replace(/n=[^&]*/, 'n=abc'), 'networkId'],
      [LINK.replace('v=1', 'v=2'), 'version'],
    ] as const) {
      const { code, out, err } = await rig.run('up -', { input: link });
      assert.is(code, 2, err);
      assert.is(out, '');
      assert.match(err, field === 'version' ? /^pcloud: join link: version 2/ : `join link, ${field}: `);
      assert.not.match(err, /[ab]-token/);
      assert.is(err.trimEnd().split('\n').length, 1);
    }
    assert.equal(rig.asked, []);
    assert.is(existsSync(join(rig.directory, 'state')), false);
  }));

test('each line about a bad link says what to do', () =>
  withRig(async (rig) => {
    const step = async (input: string): Promise<string> => (await rig.run('up -', { input })).err;
    assert.match(await step(LINK.slice(0, 60)), '; copy it again, whole and in quotes');
    // What a shell leaves of a link without quotes.
    assert.match(await step(LINK.slice(0, LINK.indexOf('&'))), '; copy it again, whole and in quotes');
    assert.match(await step('https://192.0.2.10:8443/'), 'name it with --login-server https://HOST:PORT');
    assert.match(await step(LINK.replace('v=1', 'v=2')), 'update it');
  }));

test('a link is taken in quotes, with the end of a line of any system, and with its host in capitals', () =>
  withRig(async (rig) => {
    await serve(rig, () => JOINED);
    for (const input of [`${LINK}\r\n`, `'${LINK}'\n`, `"${LINK}"`, LINK.replace('https', 'HTTPS')]) {
      assert.is((await rig.run('up -', { input })).code, 0, input);
      assert.equal((rig.asked.at(-1)!.input as { target: unknown }).target, TARGET);
    }
  }));

test('--login-server says of whatever is not a server of a network what it is and what to do', () =>
  withRig(async (rig) => {
    const web = createServer((_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const { port } = web.address() as { port: number };
    const ask = (url: string) => rig.run(['up', '--login-server', url]);
    const plain = await ask(`https://127.0.0.1:${port}`);
    assert.is(plain.code, 4);
    assert.match(plain.err, 'speaks no TLS, not a server of PCloud; check the address');
    await new Promise((resolve) => web.close(resolve));
    const closed = await ask(`https://127.0.0.1:${port}`);
    assert.is(closed.code, 4);
    assert.match(closed.err, 'cannot be reached (ECONNREFUSED); check the address, and that the server runs');
    const address = await ask('http://127.0.0.1');
    assert.is(address.code, 2);
    assert.match(address.err, '--login-server: expected https://HOST:PORT, got "http://127.0.0.1"');
    const pinned = await rig.run(['up', '--login-server', 'https://127.0.0.1:1', '--pin', 'abc']);
    assert.is(pinned.code, 2);
    assert.match(pinned.err, '--pin: expected the id of the network');
    assert.equal(rig.asked, []);
    assert.is(existsSync(join(rig.directory, 'state')), false);
  }));

test('a device of no network is told how to join one, and nothing is started', () =>
  withRig(async (rig) => {
    const { code, err } = await rig.run('up');
    assert.is(code, 1);
    assert.is(err, 'pcloud: this device belongs to no network; run "pcloud up LINK" with a join link\n');
    assert.equal(rig.asked, []);
  }));

test('a refusal has the code and the word of the server, and is 3', () =>
  withRig(async (rig) => {
    await serve(rig, () => ({
      kind: 'refused',
      code: 'TOKEN_USED',
      message: 'this link was used already; ask for a new one',
    }));
    const { code, err } = await rig.run(['up', LINK]);
    assert.is(code, 3);
    assert.is(
      err,
      'pcloud: the server refuses this device (TOKEN_USED): this link was used already; ask for a new one\n',
    );
  }));

test('a server that is not there is 4', () =>
  withRig(async (rig) => {
    await serve(rig, () => ({ kind: 'unreachable', code: 'CLOSED', message: 'connect ECONNREFUSED' }));
    const { code, err } = await rig.run(['up', LINK]);
    assert.is(code, 4);
    assert.match(err, /no server of the network answers \(CLOSED: connect ECONNREFUSED\); check that it runs/);
  }));

test('who has to be approved is told link and code, and waits as long as the code holds', () =>
  withRig(async (rig) => {
    const pending = {
      kind: 'pending',
      code: 'ABCD-EFGH',
      url: 'https://192.0.2.10:8443/approve',
      expiresInMs: 600_000,
    };
    await serve(rig, () => pending);
    const { code, out } = await rig.run(['up', LINK, '--json']);
    assert.is(code, 0);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(lines[0], { event: 'pending', code: pending.code, url: pending.url });
    assert.equal(lines[1], { name: 'laptop', addresses: ['10.0.0.2', 'fd00::2'] });
    assert.equal(rig.asked.at(-1)!.input, { for: 'joined', timeoutMs: 600_000 });
    const human = (await rig.run(['up', LINK])).out;
    assert.match(human, pending.url);
    assert.match(human, pending.code);
  }));

test('a denied one is 3', () =>
  withRig(async (rig) => {
    const pending = { kind: 'pending', code: 'C', url: 'u', expiresInMs: 1_000 };
    await serve(
      rig,
      () => pending,
      () => ({ kind: 'refused', code: 'APPROVAL_DENIED', message: 'this device was not approved' }),
    );
    assert.is((await rig.run(['up', LINK])).code, 3);
  }));

test('without root a daemon is not started', () =>
  withRig(async ({ run }) => {
    const { code, err } = await run(['up', LINK], { isRoot: false });
    assert.is(code, 1);
    assert.match(err, /only root can start it; run it with sudo/);
  }));

test.run();
