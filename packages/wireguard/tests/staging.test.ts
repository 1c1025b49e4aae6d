import { parseEndpoint } from '@pcloud/ip';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createBatch, FRAME, LAYOUT, REGIONS } from '../src/batch.ts';
import { createStaging, createStagingQueue, type StagingQueue } from '../src/staging.ts';
import { connect, createSimNetwork, packet, type SimHost, type SimNetwork } from './sim/network.ts';
import { idOf, ipPacket } from './sim/packets.ts';
import { contextOf, stateOf } from './sim/session.ts';

const batch = createBatch();

/** Puts a frame of one byte, its number, into slot 0 of the batch. */
function load(number: number, segments = 1): void {
  const offset = REGIONS.TUN + LAYOUT.TUN_HEADROOM;
  batch.bytes[offset] = number;
  batch.frames.fill(0, 0, FRAME.WORDS);
  batch.frames[FRAME.OFFSET] = offset;
  batch.frames[FRAME.LENGTH] = 1;
  batch.frames[FRAME.GSO_SIZE] = number * 3;
  batch.frames[FRAME.SEGMENTS] = segments;
}

/** The numbers of what waits, oldest first. */
const waiting = (queue: StagingQueue): number[] => [...queue.frames].map(({ packet: [number] }) => number!);

test('of more than a peer may have the oldest go', () => {
  const staging = createStaging({ perPeer: 3, total: 100 });
  const queue = createStagingQueue();
  const dropped = [1, 2, 3, 4, 5].map((number) => {
    load(number);
    return staging.add(queue, batch, 0);
  });
  assert.equal(dropped, [0, 0, 0, 1, 1]);
  assert.equal(waiting(queue), [3, 4, 5]);
});

test('of more than all peers may have the oldest of all go', () => {
  const staging = createStaging({ perPeer: 3, total: 4 });
  const [one, two] = [createStagingQueue(), createStagingQueue()];
  for (const [queue, number] of [
    [one, 1],
    [two, 2],
    [one, 3],
    [two, 4],
    [two, 5],
    [one, 6],
  ] as const) {
    load(number);
    staging.add(queue, batch, 0);
  }
  assert.equal(waiting(one), [3, 6]);
  assert.equal(waiting(two), [4, 5]);
});

test('a super-packet counts as its segments, for the peer and for all', () => {
  const staging = createStaging({ perPeer: 10, total: 15 });
  const [one, two] = [createStagingQueue(), createStagingQueue()];
  load(1, 4);
  staging.add(one, batch, 0);
  load(2, 5);
  staging.add(one, batch, 0);
  load(3, 2);
  assert.is(staging.add(one, batch, 0), 4);
  assert.equal(waiting(one), [2, 3]);
  load(4, 9);
  assert.is(staging.add(two, batch, 0), 5);
  assert.equal(waiting(one), [3]);
  assert.equal([one.packets, two.packets], [2, 9]);
});

test('a frame comes back as it was, wherever it is put', () => {
  const staging = createStaging({ perPeer: 3, total: 3 });
  const queue = createStagingQueue();
  load(7, 2);
  staging.add(queue, batch, 0);
  load(9);
  const offset = REGIONS.TUN + 3 * LAYOUT.TUN_SLOT_BYTES;
  assert.is(staging.take(queue, batch, 3, offset), true);
  const words = batch.frames.subarray(3 * FRAME.WORDS, 4 * FRAME.WORDS);
  assert.is(batch.bytes[offset], 7);
  assert.equal(
    [FRAME.OFFSET, FRAME.LENGTH, FRAME.GSO_SIZE, FRAME.SEGMENTS].map((word) => words[word]),
    [offset, 1, 21, 2],
  );
  assert.is(staging.take(queue, batch, 3, offset), false);
  assert.is(queue.packets, 0);
});

test('any use of two queues is that of two lists under both limits', () => {
  const limits = { perPeer: 8, total: 11 };
  const operation = fc.record({
    kind: fc.constantFrom('add', 'add', 'add', 'take', 'clear'),
    which: fc.nat(1),
    segments: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const staging = createStaging(limits);
      const queues = [createStagingQueue(), createStagingQueue()];
      let model: { which: number; number: number; segments: number }[] = [];
      const packets = (which?: number): number =>
        model.reduce((sum, each) => sum + (which === undefined || each.which === which ? each.segments : 0), 0);
      for (const [number, { kind, which, segments }] of operations.entries()) {
        const queue = queues[which]!;
        if (kind === 'add') {
          const before = packets();
          while (packets(which) + segments > limits.perPeer) {
            const oldest = model.findIndex((each) => each.which === which);
            model = model.toSpliced(oldest, 1);
          }
          while (packets() + segments > limits.total) model.shift();
          load(number, segments);
          assert.is(staging.add(queue, batch, 0), before - packets());
          model.push({ which, number, segments });
        } else if (kind === 'take') {
          const oldest = model.findIndex((each) => each.which === which);
          assert.is(staging.take(queue, batch, 1, REGIONS.TUN), oldest >= 0);
          if (oldest >= 0) model = model.toSpliced(oldest, 1);
        } else {
          assert.is(staging.clear(queue), packets(which));
          model = model.filter((each) => each.which !== which);
        }
        for (const [each, { packets: count }] of queues.entries()) assert.is(count, packets(each));
        assert.equal(
          queues.map(waiting),
          [0, 1].map((each) => model.filter((row) => row.which === each).map((row) => row.number)),
        );
      }
    }),
    { numRuns: 300 },
  );
});

/** A peer that never answers, at 10.N.0.0/16. */
function addDeadPeer(network: SimNetwork, host: SimHost, number: number) {
  const peer = host.device.addPeer(network.random.key(), network.now)!;
  peer.addAllowedIp(Uint8Array.of(10, number, 0, 0), 16);
  peer.setEndpoint(parseEndpoint(`198.51.100.${number}:1`)!);
  return stateOf(peer);
}

test('128 packets wait for a peer’s session and the newest arrive', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  connect(left, right, network.now);
  for (let id = 0; id < 200; id++) left.send(packet(left, right, id));
  assert.is(left.device.counters['staged-dropped'], 72);
  network.run(100);
  assert.equal(
    right.plane.delivered.map(idOf),
    Array.from({ length: 128 }, (_, index) => 72 + index),
  );
});

test('no more than 4096 packets wait for all peers together', () => {
  const network = createSimNetwork();
  const host = network.addHost('host');
  const peers = Array.from({ length: 40 }, (_, index) => addDeadPeer(network, host, index + 1));
  for (let round = 0; round < 128; round++) {
    for (let number = 1; number <= 40; number++) {
      host.send(ipPacket({ source: '10.0.0.1', destination: `10.${number}.0.1` }));
    }
  }
  assert.is(
    peers.reduce((sum, { staged }) => sum + staged.packets, 0),
    4_096,
  );
  assert.is(host.device.counters['staged-dropped'], 40 * 128 - 4_096);
});

test('200 dead peers do not starve a live one', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  connect(left, right, network.now);
  for (let number = 1; number <= 200; number++) addDeadPeer(network, left, number);
  const flood = (): void => {
    for (let number = 1; number <= 200; number++) {
      left.send(ipPacket({ source: '10.0.0.1', destination: `10.${number}.0.1` }));
    }
  };
  for (let round = 0; round < 30; round++) flood();
  for (let id = 0; id < 20; id++) {
    left.send(packet(left, right, id));
    flood();
    network.run(1);
  }
  network.run(100);
  assert.equal(
    right.plane.delivered.map(idOf),
    Array.from({ length: 20 }, (_, id) => id),
  );
});

test('what waits for a peer that never answers is dropped when it is given up', () => {
  const network = createSimNetwork();
  const host = network.addHost('host');
  const peer = addDeadPeer(network, host, 1);
  for (let i = 0; i < 10; i++) host.send(ipPacket({ source: '10.0.0.1', destination: '10.1.0.1' }));
  network.run(95_000);
  assert.is(peer.staged.packets, 10);
  network.run(15_000);
  assert.is(peer.staged.packets, 0);
  assert.is(host.device.counters['staged-dropped'], 10);
});

test('what waits is dropped when the interface goes down and when the peer is removed', () => {
  for (const stop of ['down', 'removeAllPeers'] as const) {
    const network = createSimNetwork();
    const left = network.addHost('left');
    const right = network.addHost('right');
    const { left: peer } = connect(left, right, network.now);
    for (let i = 0; i < 10; i++) left.send(packet(left, right));
    left.device[stop](network.now);
    assert.is(stateOf(peer).staged.packets, 0);
    assert.is(left.device.counters['staged-dropped'], 10);
    assert.is(contextOf(peer).ready.size, 0);
  }
});

test.run();
