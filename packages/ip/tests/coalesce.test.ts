import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Coalescer,
  createCoalescer,
  createFrameShape,
  measureFrame,
  type PacketList,
  RUN,
  writeRun,
  writeSegment,
} from '../src/index.ts';
import { ipv4 } from './packets.ts';
import { pattern, storeChecksum, type TcpOptions, type TransportOptions, tcp, udp } from './segment-packets.ts';

const lay = (packets: readonly Uint8Array[]): PacketList => {
  const lengths = Int32Array.from(packets, (packet) => packet.length);
  const offsets = new Int32Array(packets.length);
  const bytes = new Uint8Array(16 + packets.reduce((sum, packet) => sum + packet.length + 5, 0));
  let at = 3;
  for (const [i, packet] of packets.entries()) {
    bytes.set(packet, at);
    offsets[i] = at;
    at += packet.length + 5;
  }
  return { bytes, offsets, lengths };
};

const members = (coalescer: Coalescer, run: number): number[] => {
  const indices: number[] = [];
  for (let i = coalescer.runs[run * RUN.WORDS + RUN.FIRST]!; i !== -1; i = coalescer.next[i]!) indices.push(i);
  return indices;
};

/** Runs as lists of packet indices. */
const plan = (packets: readonly Uint8Array[]): number[][] => {
  const coalescer = createCoalescer(packets.length);
  const count = coalescer.plan(lay(packets), packets.length);
  return Array.from({ length: count }, (_, run) => members(coalescer, run));
};

/** A TCP stream in packets of these sizes, the identification counting up. */
const stream = (sizes: readonly number[], options: TcpOptions = {}): Uint8Array[] => {
  let sent = 0;
  return sizes.map((size, i) => {
    const payload = pattern(size, sent);
    const sequence = ((options.sequence ?? 0xffff_ff00) + sent) >>> 0;
    sent += size;
    return tcp({ ...options, id: ((options.id ?? 0xfffe) + i) & 0xffff, sequence, payload });
  });
};
const datagrams = (sizes: readonly number[], options: TransportOptions = {}): Uint8Array[] =>
  sizes.map((size, i) => udp({ ...options, id: ((options.id ?? 7) + i) & 0xffff, payload: pattern(size, i) }));

const apart = (changes: Record<string, readonly [Uint8Array, Uint8Array]>): void => {
  for (const [name, packets] of Object.entries(changes)) assert.equal(plan(packets), [[0], [1]], name);
};

test('adjacent TCP packets of a flow become one run, a smaller one at its end', () => {
  for (const family of [4, 6] as const) assert.equal(plan(stream([100, 100, 100, 40], { family })), [[0, 1, 2, 3]]);
});

test('nothing follows a smaller packet, and a larger one starts anew', () => {
  assert.equal(plan(stream([100, 40, 100, 100])), [
    [0, 1],
    [2, 3],
  ]);
  assert.equal(plan(stream([40, 100, 100])), [[0], [1, 2]]);
  assert.equal(plan(datagrams([100, 40, 40])), [[0, 1], [2]]);
});

test('PSH ends a run', () => {
  const [a, b, c, d] = stream([100, 100, 100, 100]);
  const [, pushed] = stream([100, 100], { flags: 0x18 });
  assert.equal(plan([a!, pushed!, c!, d!]), [
    [0, 1],
    [2, 3],
  ]);
  const [first] = stream([100], { flags: 0x18 });
  assert.equal(plan([first!, b!, c!]), [[0], [1, 2]]);
});

test('a gap, a repetition or a swap in the sequence ends a run', () => {
  const [a, b, c] = stream([50, 50, 50]);
  assert.equal(plan([a!, c!]), [[0], [1]]);
  assert.equal(plan([a!, a!]), [[0], [1]]);
  assert.equal(plan([b!, a!]), [[0], [1]]);
});

test('TCP packets that differ in a header field are kept apart', () => {
  const [first] = stream([50]);
  const second = (options: TcpOptions): Uint8Array => stream([50, 50], options)[1]!;
  assert.equal(plan([first!, second({})]), [[0, 1]], 'alike');
  apart({
    acknowledgement: [first!, second({ acknowledgement: 1 })],
    window: [first!, second({ window: 501 })],
    urgent: [first!, second({ urgent: 1 })],
    tos: [first!, second({ tos: 4 })],
    ecn: [first!, second({ tos: 3 })],
    ttl: [first!, second({ ttl: 63 })],
    df: [first!, second({ fragment: 0 })],
    options: [first!, second({ tcpOptions: [1, 1, 1, 1] })],
    port: [first!, second({ sourcePort: 1001 })],
    otherPort: [first!, second({ destinationPort: 2001 })],
    source: [first!, second({ source: [10, 0, 0, 9] })],
    destination: [first!, second({ destination: [10, 0, 0, 9] })],
    family: [first!, second({ family: 6 })],
  });
  const stamped = (value: number): Uint8Array[] =>
    stream([50, 50], { tcpOptions: [1, 1, 8, 10, 0, 0, 0, value, 0, 0, 0, 0] });
  apart({ optionBytes: [stamped(1)[0]!, stamped(2)[1]!] });
});

test('IPv6 packets that differ in flow label, class or hop limit are kept apart', () => {
  const [first, second] = stream([50, 50], { family: 6 });
  for (const at of [1, 2, 3, 7]) {
    const changed = second!.slice();
    changed[at] = changed[at]! ^ 1;
    assert.equal(plan([first!, changed]), [[0], [1]], `byte ${at}`);
  }
});

test('TCP packets with a flag other than ACK and PSH are never merged', () => {
  for (const flags of [0x00, 0x08, 0x11, 0x12, 0x14, 0x30, 0x50, 0x90]) {
    assert.equal(plan(stream([50, 50], { flags })), [[0], [1]], `flags ${flags}`);
  }
  const reserved = stream([50, 50]).map((packet) => {
    packet[32] = packet[32]! | 1;
    return storeChecksum(packet, 20, 6, 16);
  });
  assert.equal(plan(reserved), [[0], [1]]);
});

test('packets without payload are never merged', () => {
  assert.equal(plan(stream([0, 0])), [[0], [1]]);
  assert.equal(plan(datagrams([0, 0])), [[0], [1]]);
  assert.equal(plan(stream([50, 0])), [[0], [1]]);
});

test('packets with a wrong checksum are never merged', () => {
  for (const [packets, at] of [
    [stream([50, 50]), 60],
    [stream([50, 50]), 11],
    [datagrams([50, 50]), 60],
    [stream([50, 50], { family: 6 }), 90],
  ] as const) {
    for (const index of [0, 1]) {
      const damaged = packets.map((packet) => packet.slice());
      damaged[index]![at] = damaged[index]![at]! ^ 0x10;
      assert.equal(plan(damaged), [[0], [1]]);
    }
  }
});

test('UDP packets without a checksum are never merged', () => {
  const bare = datagrams([50, 50]).map((packet) => {
    packet.fill(0, 26, 28);
    return packet;
  });
  assert.equal(plan(bare), [[0], [1]]);
});

test('fragments and packets with options or extension headers are never merged', () => {
  assert.equal(plan(stream([50, 50], { fragment: 0x2000 })), [[0], [1]]);
  assert.equal(plan(datagrams([50, 50], { fragment: 0x0005 })), [[0], [1]]);
  assert.equal(plan(stream([50, 50], { options: [1, 1, 1, 1] })), [[0], [1]]);
  assert.equal(plan(datagrams([50, 50], { family: 6, protocol: 60, options: [17, 0, 1, 4, 0, 0, 0, 0] })), [[0], [1]]);
});

test('a packet whose length fields do not say its length is never merged', () => {
  const [a, b] = datagrams([50, 50]);
  assert.equal(plan([a!, Uint8Array.from([...b!, 0])]), [[0], [1]]);
  const shorter = udp({ id: 8, payload: pattern(50) });
  shorter[25] = shorter[25]! - 2;
  assert.equal(plan([a!, storeChecksum(shorter, 20, 17, 6)]), [[0], [1]]);
});

test('the identification counts up, unless the packets may not be fragmented', () => {
  const fixed = (fragment: number): Uint8Array[] => [0, 1].map((i) => udp({ id: 0, fragment, payload: pattern(9, i) }));
  assert.equal(plan(fixed(0x4000)), [[0, 1]]);
  assert.equal(plan(fixed(0)), [[0], [1]]);
  assert.equal(plan(datagrams([9, 9, 9], { fragment: 0, id: 0xfffe })), [[0, 1, 2]]);
});

test('flows that alternate are merged each for itself, in the order of their first packets', () => {
  const a = stream([50, 50, 50]);
  const b = stream([50, 50, 50], { sourcePort: 1001 });
  const c = datagrams([50, 50, 50]);
  assert.equal(plan([a[0]!, b[0]!, c[0]!, a[1]!, b[1]!, c[1]!, c[2]!, b[2]!, a[2]!]), [
    [0, 3, 8],
    [1, 4, 7],
    [2, 5, 6],
  ]);
});

test('a packet of the flow that cannot be merged is not overtaken', () => {
  const [a, b, c, d] = stream([50, 50, 50, 50]);
  const [acknowledgement] = stream([0]);
  const [other] = stream([0], { sourcePort: 1001 });
  assert.equal(plan([a!, b!, acknowledgement!, c!, d!]), [[0, 1], [2], [3, 4]]);
  assert.equal(plan([a!, b!, other!, c!, d!]), [[0, 1, 3, 4], [2]], 'another flow may be');
});

test('a packet whose flow cannot be read is not overtaken', () => {
  const [a, b] = datagrams([50, 50]);
  for (const odd of [ipv4({ fragment: 0x0008 }), ipv4({ protocol: 1 }), new Uint8Array(1), new Uint8Array(0)]) {
    assert.equal(plan([a!, odd, b!]), [[0], [1], [2]]);
  }
});

test('a super-packet is at most 65,535 bytes, and 64 datagrams', () => {
  const big = plan(stream(new Array<number>(60).fill(1440)));
  assert.equal(
    big.map((run) => run.length),
    [45, 15],
  );
  const exact = stream(new Array<number>(5).fill(13_099), { family: 6, tcpOptions: [1, 1, 1, 1] });
  assert.is(64 + 5 * 13_099, 65_559);
  assert.equal(
    plan(exact).map((run) => run.length),
    [4, 1],
  );
  assert.equal(
    plan(datagrams(new Array<number>(70).fill(10))).map((run) => run.length),
    [64, 6],
  );
});

test('a run says what a virtio header needs, and one packet nothing', () => {
  const coalescer = createCoalescer(8);
  const words = (run: number): number[] => Array.from(coalescer.runs.subarray(run * RUN.WORDS, (run + 1) * RUN.WORDS));
  const four = [
    ...stream([50, 50, 20], { tcpOptions: [1, 1, 1, 1] }),
    ...datagrams([30, 30], { family: 6 }),
    ...datagrams([9]),
  ];
  assert.is(coalescer.plan(lay(four), 6), 3);
  assert.equal(words(0), [0, 3, 44 + 120, 1, 50, 44, 20, 16]);
  assert.equal(words(1), [3, 2, 48 + 60, 5, 30, 48, 40, 6]);
  assert.equal(words(2), [5, 1, 37, 0, 0, 0, 0, 0]);
  assert.is(coalescer.plan(lay(stream([50, 50], { family: 6 })), 2), 1);
  assert.equal(words(0), [0, 2, 60 + 100, 4, 50, 60, 40, 16]);
});

test('more packets than the capacity are refused by name', () => {
  assert.throws(() => createCoalescer(1).plan(lay(stream([1, 1])), 2), /"count" expected at most 1, got 2/);
});

/** What the kernel would make of the runs: each one cut again. */
const cutAgain = (packets: readonly Uint8Array[]): { index: number; bytes: Uint8Array }[] => {
  const list = lay(packets);
  const before = list.bytes.slice();
  const coalescer = createCoalescer(packets.length);
  const count = coalescer.plan(list, packets.length);
  const shape = createFrameShape();
  const result: { index: number; bytes: Uint8Array }[] = [];
  for (let run = 0; run < count; run++) {
    const [, , length, gsoType, gsoSize, headerLength, start, offset] = coalescer.runs.subarray(run * RUN.WORDS);
    const frame = new Uint8Array(length!);
    assert.is(writeRun(coalescer, run, list, frame, 0), length);
    assert.ok(measureFrame(frame, 0, frame.length, gsoType!, gsoSize!, shape));
    assert.equal([shape.headerLength, shape.checksumStart, shape.checksumOffset], [headerLength, start, offset]);
    const indices = members(coalescer, run);
    assert.is(shape.segments, indices.length);
    for (const [i, index] of indices.entries()) {
      const out = new Uint8Array(frame.length);
      result.push({ index, bytes: out.slice(0, writeSegment(frame, 0, frame.length, shape, i, out, 0)) });
    }
  }
  assert.equal(list.bytes, before, 'packets are not changed');
  return result;
};

/** A few flows, each a stream of packets, dealt out in any order that keeps each stream's own. */
const burstOf = (sourcePort: (index: number, port: number) => number): fc.Arbitrary<Uint8Array[]> =>
  fc
    .array(
      fc.record({
        isUdp: fc.boolean(),
        family: fc.constantFrom<4 | 6>(4, 6),
        port: fc.integer({ min: 1, max: 3 }),
        sizes: fc.array(fc.constantFrom(0, 1, 20, 20, 20, 20, 33), { minLength: 1, maxLength: 8 }),
        flags: fc.constantFrom(0x10, 0x10, 0x10, 0x18, 0x11),
        fragment: fc.constantFrom(0x4000, 0),
        sequence: fc.constantFrom(0, 0xffff_fff0),
        id: fc.nat(0xffff),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .chain((flows) => {
      const packets = flows.map(({ isUdp, sizes, flags, sequence, port, ...rest }, i) => {
        const options = { ...rest, sourcePort: sourcePort(i, port) };
        return isUdp ? datagrams(sizes, options) : stream(sizes, { ...options, flags, sequence });
      });
      const total = packets.flat().length;
      return fc.array(fc.nat(packets.length - 1), { minLength: total, maxLength: total }).map((order) => {
        const queues = packets.map((queue) => queue.slice());
        return order.map((first) => {
          const queue = queues[first]!.length > 0 ? queues[first]! : queues.find((other) => other.length > 0)!;
          return queue.shift()!;
        });
      });
    });

/** Streams that share ports look like one flow, with identifications of more than one. */
const burst = burstOf((_, port) => port);

test('cutting what was merged gives the same packets back, byte for byte', () => {
  let merged = 0;
  fc.assert(
    fc.property(
      burstOf((index) => index),
      (packets) => {
        const again = cutAgain(packets);
        assert.is(again.length, packets.length);
        for (const { index, bytes } of again) assert.equal(bytes, packets[index]);
        merged += plan(packets).filter((run) => run.length > 1).length;
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(merged > 100, `only ${merged} runs of more than one packet`);
});

test('only the identification of a packet that may not be fragmented can come back another', () => {
  const comparable = (packet: Uint8Array): Uint8Array => {
    const copy = packet.slice();
    if (copy[0]! >> 4 === 4 && (copy[6]! & 0x40) !== 0) for (const at of [4, 5, 10, 11]) copy[at] = 0;
    return copy;
  };
  fc.assert(
    fc.property(burst, (packets) => {
      for (const { index, bytes } of cutAgain(packets)) assert.equal(comparable(bytes), comparable(packets[index]!));
    }),
    { numRuns: 300 },
  );
});

test('the packets of a flow come out in the order they went in', () => {
  const flowOf = (packet: Uint8Array): string =>
    (packet[0]! >> 4 === 4 ? [packet[9], ...packet.subarray(12, 24)] : [packet[6], ...packet.subarray(8, 44)]).join();
  fc.assert(
    fc.property(burst, (packets) => {
      const seen = new Map<string, number>();
      for (const index of plan(packets).flat()) {
        const flow = flowOf(packets[index]!);
        assert.ok((seen.get(flow) ?? -1) < index);
        seen.set(flow, index);
      }
    }),
    { numRuns: 300 },
  );
});

test.run();
