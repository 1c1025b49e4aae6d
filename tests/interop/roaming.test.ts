/** Endpoints follow whoever proves to be the peer, and answers come from where the peer knows us. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { waitFor } from '../lab/wait.ts';
import { newestPeer, ours } from './lib/implementations.ts';
import { endpointText, type Family, INNER, OUTER, withPair } from './lib/pair.ts';
import { assertPing, startPing, stopPing } from './lib/traffic.ts';

const MOVED: Readonly<Record<Family, string>> = { 4: '192.0.2.77', 6: '2001:db8::77' };
const LENGTH: Readonly<Record<Family, number>> = { 4: 24, 6: 64 };

const sides = [
  { title: 'ours follows', left: newestPeer(), right: ours() },
  { title: 'ours moves', left: ours(), right: newestPeer() },
];

for (const { title, left, right } of sides) {
  for (const outer of [4, 6] as const) {
    test(`a peer that moves to another address is followed: ${title}, IPv${outer}`, async () => {
      await withPair({ left, right, outer }, async ({ left, right }) => {
        await assertPing(left.host, INNER[4].right);
        const pinging = startPing(left.host, INNER[4].right, 50);
        const flag = outer === 6 ? ['nodad'] : [];
        await left.host.run(['ip', 'address', 'del', `${OUTER[outer].left}/${LENGTH[outer]}`, 'dev', 'eth0']);
        await left.host.run(['ip', 'address', 'add', `${MOVED[outer]}/${LENGTH[outer]}`, 'dev', 'eth0', ...flag]);
        const moved = endpointText(MOVED[outer], left.port);
        await waitFor('the new endpoint', async () => (await right.peer()).endpoint === moved, 3000);
        await assertPing(right.host, INNER[4].left, { count: 3 });
        const { sent, received } = await stopPing(pinging);
        assert.ok(sent - received <= 6, `${sent - received} of ${sent} pings lost while moving`);
      });
    });
  }

  test(`a peer that moves to another port is followed: ${title}`, async () => {
    await withPair({ left, right }, async ({ left, right }) => {
      await assertPing(left.host, INNER[4].right);
      await left.set('listen-port', '40000');
      await assertPing(left.host, INNER[4].right, { count: 3 });
      assert.is((await left.show()).port, 40000);
      assert.is((await right.peer()).endpoint, endpointText(OUTER[4].left, 40000));
      await assertPing(right.host, INNER[4].left, { count: 3 });
    });
  });
}

for (const outer of [4, 6] as const) {
  test(`a host with two addresses answers from the one that the peer used, IPv${outer}`, async () => {
    await withPair({ left: newestPeer(), right: ours(), endpoints: 'neither' }, async ({ left, right }) => {
      const flag = outer === 6 ? ['nodad'] : [];
      await right.host.run(['ip', 'address', 'add', `${MOVED[outer]}/${LENGTH[outer]}`, 'dev', 'eth0', ...flag]);
      for (const address of [MOVED[outer], OUTER[outer].right]) {
        const endpoint = endpointText(address, right.port);
        await left.setPeer(right.keys.publicKey, { endpoint });
        await assertPing(left.host, INNER[4].right, { count: 3 });
        // an answer from the other address would have moved the endpoint
        assert.is((await left.peer()).endpoint, endpoint);
      }
    });
  });
}

test('an address that vanished is not used as a source any more', async () => {
  await withPair({ left: newestPeer(), right: ours() }, async ({ left, right }) => {
    await right.host.run(['ip', 'address', 'add', `${MOVED[4]}/24`, 'dev', 'eth0']);
    await left.setPeer(right.keys.publicKey, { endpoint: endpointText(MOVED[4], right.port) });
    await assertPing(left.host, INNER[4].right);
    await right.host.run(['ip', 'address', 'del', `${MOVED[4]}/24`, 'dev', 'eth0']);
    await waitFor(
      'an answer',
      async () => (await right.host.run(['ping', '-c', '1', '-W', '1', INNER[4].left], { check: false })).code === 0,
      8000,
    );
    assert.is((await left.peer()).endpoint, endpointText(OUTER[4].right, right.port));
  });
});

test('a link-local IPv6 address serves as an endpoint', async () => {
  await withPair({ left: ours(), right: ours(), endpoints: 'neither' }, async ({ left, right }) => {
    const shown = (await right.host.run('ip -6 -o address show dev eth0 scope link')).stdout;
    const [, address] = /inet6 (fe80[^/]*)/.exec(shown)!;
    await waitFor('addresses to settle', async () => {
      const both = await Promise.all(
        [left, right].map(({ host }) => host.run('ip -6 -o address show dev eth0 tentative')),
      );
      return both.every(({ stdout }) => stdout === '');
    });
    await left.setPeer(right.keys.publicKey, { endpoint: `[${address}%eth0]:${right.port}` });
    await assertPing(left.host, INNER[4].right, { count: 3 });
  });
});

test.run();
