/** Congestion marks cross the tunnel, RFC 6040. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Host } from '../lab/host.ts';
import { type DataPath, ours } from './lib/implementations.ts';
import { INNER, withPair } from './lib/pair.ts';
import { assertPing, ping } from './lib/traffic.ts';

/** Counts what comes in on an interface by its ECN codepoint. */
async function countMarks(host: Host, device: string): Promise<void> {
  const marks = ['not-ect', 'ect0', 'ect1', 'ce'];
  const rules = marks.map((mark) => `meta iifname "${device}" ip ecn ${mark} counter comment "${mark}"`);
  await host.run(['nft', '-f', '-'], {
    input: `table inet marks-${device} { chain in { type filter hook prerouting priority 0;\n${rules.join('\n')}\n}; }`,
  });
}

/** Packets seen with a codepoint. */
async function marked(host: Host, device: string, mark: string): Promise<number> {
  const { stdout } = await host.run(['nft', 'list', 'table', 'inet', `marks-${device}`]);
  const line = stdout.split('\n').find((each) => each.includes(`comment "${mark}"`))!;
  return Number(/packets (\d+)/.exec(line)![1]);
}

/** Marks as congested every UDP packet that leaves on eth0, as a full queue on the way would. */
async function congest(host: Host): Promise<void> {
  await host.run(['nft', '-f', '-'], {
    input:
      'table ip congest { chain out { type filter hook postrouting priority 0; oifname "eth0" udp dport 51820 udp length > 120 ip ecn set ce; }; }',
  });
}

const paths: readonly DataPath[] = ['native', 'offload-off', 'noble'];

for (const path of paths) {
  test(`the outer packet carries the mark of the inner one: ${path}`, async () => {
    await withPair({ left: ours(path), right: ours(path) }, async ({ left, right }) => {
      await assertPing(left.host, INNER[4].right);
      await countMarks(right.host, 'eth0');
      for (const [mark, tos] of [
        ['ect0', 2],
        ['ect1', 1],
        ['ce', 3],
        ['not-ect', 0],
      ] as const) {
        const before = await marked(right.host, 'eth0', mark);
        await assertPing(left.host, INNER[4].right, { count: 5, more: ['-Q', `${tos}`] });
        assert.is((await marked(right.host, 'eth0', mark)) - before, 5, mark);
      }
    });
  });

  test(`congestion met on the way reaches the inner packet: ${path}`, async () => {
    await withPair({ left: ours(path), right: ours(path) }, async ({ left, right }) => {
      await assertPing(left.host, INNER[4].right);
      await countMarks(right.host, 'wg0');
      await congest(left.host);
      await assertPing(left.host, INNER[4].right, { count: 5, more: ['-Q', '2'] });
      assert.is(await marked(right.host, 'wg0', 'ce'), 5);
    });
  });

  test(`a congested packet whose sender does not know of congestion marks is dropped: ${path}`, async () => {
    await withPair({ left: ours(path), right: ours(path) }, async ({ left }) => {
      await assertPing(left.host, INNER[4].right);
      await congest(left.host);
      const { received } = await ping(left.host, INNER[4].right, { count: 3, more: ['-Q', '0'], waitSeconds: 1 });
      assert.is(received, 0);
    });
  });
}

test('handshakes ask for prompt forwarding and data does not', async () => {
  await withPair({}, async ({ left, right }) => {
    await right.host.run(['nft', '-f', '-'], {
      input: `table ip dscp { chain in { type filter hook prerouting priority 0;
        iifname "eth0" udp dport 51820 udp length 156 ip dscp af41 counter comment "initiation"
        iifname "eth0" udp dport 51820 udp length 136 ip dscp cs0 counter comment "data"
      }; }`,
    });
    await assertPing(left.host, INNER[4].right, { count: 3 });
    const { stdout } = await right.host.run('nft list table ip dscp');
    assert.match(stdout, /packets 1 bytes \d+ comment "initiation"/);
    assert.match(stdout, /packets 3 bytes \d+ comment "data"/);
  });
});

test.run();
