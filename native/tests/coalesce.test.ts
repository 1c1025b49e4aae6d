import { createCoalescer, type PacketList, RUN, writeRun } from '@pcloud/ip';
import { LAYOUT } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ipv4 } from '../../packages/ip/tests/packets.ts';
import { pattern, tcp, udp } from '../../packages/ip/tests/segment-packets.ts';
import type { CoalescedWrite } from '../index.ts';
import { addon } from './addon.ts';
import { randomFlows } from './flows.ts';
import { rounds } from './random.ts';

const coalescer = createCoalescer(LAYOUT.DATAGRAMS);
const BOTH = { tcp: true, udp: true };

/** What the TypeScript would write for the same packets. */
function plan(packets: readonly Uint8Array[]): CoalescedWrite[] {
  const lengths = Int32Array.from(packets, (packet) => packet.length);
  const offsets = new Int32Array(packets.length);
  for (let i = 1; i < packets.length; i++) offsets[i] = offsets[i - 1]! + lengths[i - 1]!;
  const bytes = Uint8Array.from(packets.flatMap((packet) => Array.from(packet)));
  const list: PacketList = { bytes, offsets, lengths };
  return Array.from({ length: coalescer.plan(list, packets.length) }, (_, run) => {
    const words = coalescer.runs.subarray(run * RUN.WORDS, (run + 1) * RUN.WORDS);
    const out = new Uint8Array(65_536);
    return {
      flags: words[RUN.COUNT] === 1 ? 0 : 1,
      gsoType: words[RUN.GSO_TYPE]!,
      headerLength: words[RUN.HEADER_LENGTH]!,
      gsoSize: words[RUN.GSO_SIZE]!,
      checksumStart: words[RUN.CHECKSUM_START]!,
      checksumOffset: words[RUN.CHECKSUM_OFFSET]!,
      bytes: out.slice(0, writeRun(coalescer, run, list, out, 0)),
    };
  });
}

test(
  'packets are coalesced into what their TypeScript twin writes',
  rounds(300, (random) => {
    const packets = randomFlows(random, random.integer(1, 60));
    assert.equal(addon.coalesceForTest(packets, BOTH), plan(packets));
  }),
);

test('a full batch of as many flows, whatever their hashes, is coalesced as by its twin', () => {
  const ports = Array.from({ length: LAYOUT.DATAGRAMS / 2 }, (_, i) => i);
  const packet = (port: number, id: number) => udp({ sourcePort: port, id, payload: pattern(20) });
  const packets = [...ports.map((port) => packet(port, 0)), ...ports.map((port) => packet(port, 1))];
  const found = addon.coalesceForTest(packets, BOTH);
  assert.is(found.length, ports.length);
  assert.equal(found, plan(packets));
});

test('what was coalesced is cut into the same packets again', () => {
  const packets = Array.from({ length: 40 }, (_, i) => tcp({ sequence: i * 1000, id: i, payload: pattern(1000, i) }));
  const [whole, ...others] = addon.coalesceForTest(packets, BOTH);
  assert.equal(others, []);
  assert.equal(addon.segmentForTest(whole!.bytes, whole!), packets);
});

test('a kind that the kernel does not take is left as it is', () => {
  const packets = [0, 1].flatMap((i) => [
    tcp({ sequence: i * 10, payload: pattern(10) }),
    udp({ payload: pattern(10) }),
  ]);
  const counts = (options: { tcp: boolean; udp: boolean }) =>
    addon.coalesceForTest(packets, options).map((write) => write.gsoType);
  assert.equal(counts(BOTH), [1, 5]);
  assert.equal(counts({ tcp: true, udp: false }), [1, 0, 0]);
  assert.equal(counts({ tcp: false, udp: true }), [0, 5, 0]);
  assert.equal(counts({ tcp: false, udp: false }), [0, 0, 0, 0]);
});

test('a broken IPv4 header checksum is not made good by a neighbour', () => {
  const packets = [0, 1, 2].map((i) => udp({ id: i, payload: pattern(10) }));
  packets[1]![10]! ^= 1;
  assert.equal(
    addon.coalesceForTest(packets, BOTH).map((write) => write.bytes),
    packets,
  );
});

test('packets that may be fragmented are merged only where their identifications count up', () => {
  const merged = (fragment: number, ids: readonly number[]) =>
    addon.coalesceForTest(
      ids.map((id) => udp({ id, fragment, payload: pattern(10) })),
      BOTH,
    ).length;
  assert.is(merged(0, [0xfffe, 0xffff, 0]), 1);
  assert.is(merged(0, [7, 7, 7]), 3);
  assert.is(merged(0x4000, [7, 7, 7]), 1);
});

test('a fragment, whose flow cannot be told, is not overtaken', () => {
  const first = udp({ payload: pattern(10) });
  const fragment = ipv4({ fragment: 0x2001, payload: pattern(24) });
  assert.equal(
    addon.coalesceForTest([first, fragment, first], BOTH).map((write) => write.bytes),
    [first, fragment, first],
  );
});

test('a super-packet ends at 65,535 bytes, and a UDP one at 64 packets', () => {
  const large = Array.from({ length: 50 }, (_, i) => tcp({ sequence: i * 1460, payload: pattern(1460) }));
  assert.equal(
    addon.coalesceForTest(large, BOTH).map((write) => write.bytes.length),
    [40 + 44 * 1460, 40 + 6 * 1460],
  );
  const small = Array.from({ length: 100 }, () => udp({ payload: pattern(10) }));
  assert.equal(
    addon.coalesceForTest(small, BOTH).map((write) => write.bytes.length),
    [28 + 640, 28 + 360],
  );
});

test.run();
