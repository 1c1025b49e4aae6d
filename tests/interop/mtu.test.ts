/** Packets of every size go through whole, on tunnels from 1280 bytes to jumbo. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { newestPeer, ours } from './lib/implementations.ts';
import { INNER, withPair } from './lib/pair.ts';
import { assertPing, assertTransfer, ping } from './lib/traffic.ts';

const TRANSFER_BYTES = 5_000_000;
const ICMP_AND_IPV4_BYTES = 28;

const sizes = [
  { mtu: 1280, cableMtu: 1500 },
  { mtu: 1420, cableMtu: 1500 },
  { mtu: 8921, cableMtu: 9001 },
  { mtu: 9000, cableMtu: 9080 },
];

for (const { mtu, cableMtu } of sizes) {
  for (const right of [newestPeer(), ours()]) {
    test(`a tunnel of ${mtu} bytes carries full packets: ${right.name}`, async () => {
      await withPair({ right, mtu, cableMtu, outer: 6 }, async ({ left, right }) => {
        const full = mtu - ICMP_AND_IPV4_BYTES;
        for (const size of [full, full - 1, full - 15, full - 16]) {
          await assertPing(left.host, INNER[4].right, { size, more: ['-M', 'do'] });
        }
        await assertTransfer(left.host, right.host, INNER[4].right, TRANSFER_BYTES);
        await assertTransfer(right.host, left.host, INNER[6].left, TRANSFER_BYTES);
      });
    });
  }
}

test('a tunnel larger than its cable still carries full packets, in fragments', async () => {
  await withPair({ right: ours(), mtu: 9000, cableMtu: 1500 }, async ({ left, right }) => {
    await assertPing(left.host, INNER[4].right, { size: 9000 - ICMP_AND_IPV4_BYTES, more: ['-M', 'do'] });
    await assertTransfer(left.host, right.host, INNER[4].right, TRANSFER_BYTES);
  });
});

test('a cable that shrinks under a flow does not end it', async () => {
  await withPair({ right: ours(), mtu: 1420 }, async ({ left, right }) => {
    await assertTransfer(left.host, right.host, INNER[4].right, TRANSFER_BYTES);
    for (const { host } of [left, right]) await host.run('ip link set eth0 mtu 1300');
    await assertPing(left.host, INNER[4].right, { count: 3, size: 1420 - ICMP_AND_IPV4_BYTES });
    await assertTransfer(left.host, right.host, INNER[4].right, TRANSFER_BYTES);
  });
});

test('an MTU that changes while the tunnel is up counts at once', async () => {
  await withPair({ right: newestPeer() }, async ({ left, right }) => {
    await assertPing(left.host, INNER[4].right, { size: 1420 - ICMP_AND_IPV4_BYTES, more: ['-M', 'do'] });
    for (const { host } of [left, right]) await host.run('ip link set wg0 mtu 1300');
    const tooLarge = await ping(left.host, INNER[4].right, { size: 1301 - ICMP_AND_IPV4_BYTES, more: ['-M', 'do'] });
    assert.match(tooLarge.output, /message too long/i);
    for (const size of [1300 - ICMP_AND_IPV4_BYTES, 1400]) {
      await assertPing(left.host, INNER[4].right, { size, more: size > 1300 ? ['-M', 'dont'] : ['-M', 'do'] });
    }
  });
});

test('every length from an empty ping to a few blocks arrives', async () => {
  await withPair({ right: newestPeer() }, async ({ left }) => {
    const script = `for size in $(seq 0 130); do ping -n -q -c 1 -W 2 -s $size ${INNER[4].right} >/dev/null || exit 1; done`;
    await left.host.run(script);
    const { rxBytes } = await left.peer();
    let expected = 92;
    for (let size = 0; size <= 130; size++) expected += 32 + Math.ceil((size + ICMP_AND_IPV4_BYTES) / 16) * 16;
    assert.is(rxBytes, expected);
  });
});

test.run();
