/** Joining with what does not work: links, servers, tokens. Each is told on one side, counted on the other, and changes nothing. */
import { formatJoinLink, formatNetworkId, type JoinLink, NetmapError, parseJoinLink } from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, waitFor, waitForPing } from '../lab/index.ts';
import {
  ask,
  type Counters,
  changingNothing as changingNothingOf,
  checkHonest,
  expectTurnedAway,
  turnedAway,
} from './lib/coordinator.ts';
import { createMeshNetwork, PCLOUD, startSeed, up } from './lib/network.ts';
import { crypto, newKeys, openRawNode } from './lib/raw-node.ts';
import { openRelay } from './lib/relay.ts';

const network = await createMeshNetwork();
const { lab, seed, router } = network;
const [honest, stranger] = network.clients as [Host, Host];
const STRANGER = '203.0.113.10';
const { process: seedProcess, ready } = await startSeed(network);
await up(honest, ready.joinLink);
await waitForPing(honest, '10.0.0.1', 10_000);
await seed.run([PCLOUD, 'users', 'add', '--owner', 'ada'], { input: 'correct horse battery\n' });
await seed.run([PCLOUD, 'users', 'add', 'bob'], { input: 'correct horse battery\n' });
const relay = await openRelay(stranger, '192.0.2.10', 8443);

const invite = async (...words: readonly string[]): Promise<string> =>
  (await ask<{ link: string }>(seed, 'invite', ...words)).link;

function read(link: string): JoinLink {
  const parsed = parseJoinLink(link);
  if (parsed instanceof NetmapError) throw parsed;
  return parsed;
}

/** A link that is whole and says something else. */
const forge = (link: string, change: Partial<JoinLink>): string => formatJoinLink({ ...read(link), ...change });

interface Failed {
  readonly code: number;
  /** One line. */
  readonly line: string;
}

/** `pcloud` on the stranger, which must fail, say so by one line that holds no token, and leave nothing running. */
async function fail(words: readonly string[], input = ''): Promise<Failed> {
  const { code, stdout, stderr } = await stranger.run([PCLOUD, ...words], { input, check: false, timeoutMs: 40_000 });
  assert.is.not(code, 0, stdout);
  assert.is(stdout, '');
  assert.match(stderr, /^pcloud: [^\n]+\n$/, stderr);
  const left = await stranger.run('ls /run/pcloud/state/membership.json /run/pcloud/daemon.sock; ip -o link', {
    check: false,
  });
  assert.not.match(left.stdout, /membership|daemon\.sock|pcloud0/, `${stderr}\n${left.stdout}`);
  return { code, line: stderr.trim() };
}

const changingNothing = (act: (before: Counters) => Promise<void>) => changingNothingOf(seed, honest, act);

test('a link cut short, altered, or none at all is told before anybody is asked', async () => {
  const link = await invite();
  await changingNothing(async (before) => {
    for (const [text, problem] of [
      [link.slice(0, -1), /join link, checksum: the link was cut short or altered; copy it again, whole and in quotes/],
      [link.slice(0, link.indexOf('&')), /join link, networkId: it is missing or not whole; copy it again/],
      [link.slice(0, link.indexOf('#')), /join link, url: it ends before its #; copy it again/],
      [link.replace('192.0.2.10', '192.0.2.11'), /join link, checksum: /],
      [link.replace(/t=(.)/, (_all, first) => `t=${first === 'a' ? 'b' : 'a'}`), /join link, checksum: /],
      ['https://192.0.2.10:8443', /join link, url: .*; to join a server without a link, name it with --login-server/],
      ['hello', /join link, url: it does not begin with https:\/\/HOST:PORT\/join#; copy it again/],
    ] as const) {
      const { code, line } = await fail(['up', '-'], `${text}\n`);
      assert.is(code, 2, line);
      assert.match(line, problem);
    }
    assert.equal(await turnedAway(seed), before);
  });
});

test('a link with another token is refused by the server', async () => {
  const link = forge(await invite(), { token: 'a2b3c4d5e6f7a2b3c4d5e6f7a2b3c4d5' });
  await changingNothing(async (before) => {
    const { code, line } = await fail(['up', link]);
    assert.is(code, 3, line);
    assert.match(line, /the server refuses this device \(TOKEN_UNKNOWN\): .*; ask for a new link$/);
    await expectTurnedAway(seed, seedProcess, before, 'join.TOKEN_UNKNOWN', STRANGER);
  });
});

test('an expired link is refused', async () => {
  const link = await invite('--expires', '100ms');
  await waitFor(
    'the link to expire',
    async () =>
      (await ask<unknown[]>(seed, 'tokens', 'list')).every((one) => !link.includes((one as { id: string }).id)) &&
      Date.now(),
  );
  await changingNothing(async (before) => {
    const { code, line } = await fail(['up', link]);
    assert.is(code, 3, line);
    assert.match(line, /\(TOKEN_EXPIRED\): this link has expired; ask for a new one$/);
    await expectTurnedAway(seed, seedProcess, before, 'join.TOKEN_EXPIRED', STRANGER);
  });
});

test('a link that was used is refused to the next', () =>
  changingNothing(async (before) => {
    const { code, line } = await fail(['up', ready.joinLink]);
    assert.is(code, 3, line);
    assert.match(line, /\(TOKEN_USED\): this link was used already; ask for a new one$/);
    await expectTurnedAway(seed, seedProcess, before, 'join.TOKEN_USED', STRANGER);
  }));

test('a link of a user who was disabled since is refused', async () => {
  const link = await invite('--user', 'bob');
  await seed.run([PCLOUD, 'users', 'disable', 'bob']);
  await changingNothing(async (before) => {
    const { code, line } = await fail(['up', link]);
    assert.is(code, 3, line);
    assert.match(line, /\(USER_DISABLED\): .*; ask an owner$/);
    await expectTurnedAway(seed, seedProcess, before, 'join.USER_DISABLED', STRANGER);
  });
  await seed.run([PCLOUD, 'users', 'enable', 'bob']);
});

for (const [title, change] of [
  ['another network', { networkId: new Uint8Array(32).fill(7) }],
  ['another server', { channelKey: crypto.publicKey(new Uint8Array(32).fill(9)) }],
] as const) {
  test(`a link for ${title} at the same address finds no server`, async () => {
    const link = forge(await invite(), change);
    await changingNothing(async (before) => {
      const { code, line } = await fail(['up', link]);
      assert.is(code, 4, line);
      assert.match(line, /\(HANDSHAKE_REFUSED: https:\/\/192\.0\.2\.10\S*: .* server of this network\); check that/);
      await expectTurnedAway(seed, seedProcess, before, 'channel.HANDSHAKE_REFUSED', STRANGER);
    });
  });
}

test('the token of another user neither changes whose a device is nor is used up, and is nothing to his devices', async () => {
  const keys = newKeys();
  const bobs = read(await invite('--user', 'bob'));
  const first = await openRawNode(relay, bobs, keys);
  await first.hello();
  first.join(bobs.token);
  await first.next('welcome');
  first.socket.close();
  await first.closed;

  const adas = await ask<{ id: string; link: string }>(seed, 'invite', '--user', 'ada');
  await changingNothing(async () => {
    const again = await openRawNode(relay, bobs, keys);
    await again.hello();
    again.join(read(adas.link).token);
    await again.next('welcome');
    for (const [id, operation, input, expected] of [
      [1, 'tokens.revoke', { id: adas.id }, 'TOKEN_UNKNOWN'],
      [2, 'invites.create', { user: 'ada' }, 'FORBIDDEN'],
      [3, 'network.counters', {}, 'FORBIDDEN'],
      [4, 'nodes.remove', { node: 'first' }, 'FORBIDDEN'],
      [5, 'nodes.remove', { node: 1 }, 'INPUT_INVALID'],
      [6, 'nodes.nothing', {}, 'OPERATION_UNKNOWN'],
    ] as const) {
      const before = await turnedAway(seed);
      again.say({ kind: 'request', id, operation, input });
      const failure = await waitFor('an answer', () =>
        again.received.find((one) => one.kind === 'failure' && one.id === id),
      );
      assert.is((failure as { code: string }).code, expected);
      await expectTurnedAway(seed, seedProcess, before, `request.${expected}`, STRANGER);
    }
    again.socket.close();
    await again.closed;
  });
  await seed.run([PCLOUD, 'nodes', 'remove', 'raw']);
});

test('what answers at the address of a link and is no server of PCloud is told for what it is', async () => {
  const link = await invite();
  router.spawn([
    process.execPath,
    '-e',
    'require("http").createServer((_request, response) => response.end()).listen(8080)',
  ]);
  await waitFor('the web server', async () => (await router.run('ss -Hlnt sport = :8080')).stdout !== '');
  await changingNothing(async (before) => {
    const { code, line } = await fail(['up', forge(link, { urls: ['https://203.0.113.1:8080'] })]);
    assert.is(code, 4, line);
    assert.match(line, /https:\/\/203\.0\.113\.1:8080: what is there speaks no TLS\); check that it runs/);
    assert.equal(await turnedAway(seed), before);
  });
});

/** A web server of somebody else on the router, under a certificate of the seed's making. */
async function serveForeign(port: number, body: string, padding = 0): Promise<void> {
  const pem = router.write('/run/pem', seed.read('/run/pcloud/state/coordinator/self-signed.pem'));
  const program = `const [pem, port, body, padding] = process.argv.slice(1); const text = require('fs').readFileSync(pem);
    require('https').createServer({ key: text, cert: text }, (_request, response) => response.end(body.padEnd(+padding)))
      .listen(+port, () => console.log('open'));`;
  const server = router.spawn([process.execPath, '-e', program, pem, `${port}`, body, `${padding}`]);
  await waitFor('the web server', () => server.stdout().includes('open'), 10_000, server.output);
}

test('--login-server takes no server on trust', async () => {
  const other = formatNetworkId(new Uint8Array(32).fill(7));
  const foreign = JSON.stringify({
    networkId: ready.networkId,
    channelKey: Buffer.alloc(32, 9).toString('base64'),
    serverSet: 'AAAA',
  });
  await serveForeign(8444, 'hello');
  await serveForeign(8445, foreign);
  await serveForeign(8446, '', 400_000);
  await changingNothing(async () => {
    for (const [url, pin, expected, problem] of [
      [
        'https://192.0.2.10:8443',
        '',
        4,
        /certificate is not trusted \(\w+\); name the network's id with --pin, or use a join link/,
      ],
      [
        'https://192.0.2.10:8443',
        other,
        3,
        /belongs to another network than --pin says; ask whoever runs it for the id/,
      ],
      ['https://192.0.2.10:8443', 'abc', 2, /--pin: expected the id of the network, .* "pcloud seed" prints it/],
      ['https://203.0.113.1:8080', ready.networkId, 4, /speaks no TLS, not a server of PCloud; check the address/],
      ['https://203.0.113.1:8444', ready.networkId, 4, /not a server of PCloud; check the address/],
      [
        'https://203.0.113.1:8445',
        ready.networkId,
        3,
        /cannot prove that it is a server of its network; do not join it/,
      ],
      ['https://203.0.113.1:8446', ready.networkId, 4, /not a server of PCloud; check the address/],
      ['https://203.0.113.1:8447', ready.networkId, 4, /cannot be reached \(ECONNREFUSED\); check the address/],
      ['http://192.0.2.10:8443', ready.networkId, 2, /--login-server: expected https:\/\/HOST:PORT/],
    ] as const) {
      const { code, line } = await fail(['up', '--login-server', url, ...(pin === '' ? [] : ['--pin', pin])]);
      assert.is(code, expected, line);
      assert.match(line, problem);
    }
  });
});

test('with the right --pin somebody is asked, and a denied device is told', async () => {
  const asking = stranger.spawn([PCLOUD, 'up', '--login-server', 'https://192.0.2.10:8443', '--pin', ready.networkId]);
  const [, code] = await waitFor(
    'a code',
    () => /and types +(\S+)/.exec(asking.stdout()) ?? undefined,
    20_000,
    asking.output,
  );
  const before = await turnedAway(seed);
  await seed.run([PCLOUD, 'nodes', 'deny', code!]);
  assert.is((await asking.exited).code, 3, asking.output());
  assert.match(asking.output(), /\(APPROVAL_DENIED\): this device was not approved/);
  await expectTurnedAway(seed, seedProcess, before, 'join.APPROVAL_DENIED', STRANGER);
  await checkHonest(honest);
});

test('after all of it a link in quotes from standard input, its host in capitals, lets the device in', async () => {
  const link = await invite();
  const { stdout } = await stranger.run([PCLOUD, 'up', '-', '--json'], {
    input: `"${link.replace('https', 'HTTPS')}"\r\n`,
  });
  assert.is(JSON.parse(stdout).name, 'second');
  await waitForPing(stranger, '10.0.0.1', 10_000);
  await checkHonest(honest);
});

test.after(async () => {
  relay.close();
  await lab.close();
});

test.run();
