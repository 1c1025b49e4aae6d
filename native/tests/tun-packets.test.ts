import { readFileSync } from 'node:fs';
import { createBatch, DATAGRAM, FRAME, LAYOUT, REGIONS } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern, tcp, udp } from '../../packages/ip/tests/segment-packets.ts';
import type { Plane } from '../index.ts';
import { addon, withPlanes } from './addon.ts';
import { aim, receive } from './batches.ts';
import { isolate, refusing } from './isolate.ts';
import { openTun, PEER4, PEER6, receiveFrames, TUN4, TUN6 } from './tuns.ts';

isolate({ refusals: true });
addon.linkSet('lo', { up: true });

const SEND = addon.layout.REGIONS.SEND!;
const FAMILIES = [
  { family: 4, tun: TUN4, peer: PEER4, headers: 28 },
  { family: 6, tun: TUN6, peer: PEER6, headers: 48 },
] as const;

/** Packets that an interface has given to the kernel; a super-packet is one. */
function received(name: string): number {
  const line = readFileSync('/proc/net/dev', 'latin1')
    .split('\n')
    .find((each) => each.trim().startsWith(`${name}:`));
  return Number(line!.split(':')[1]!.trim().split(/ +/)[1]);
}

/** Puts packets where opened datagrams are, and has them written. */
function deliver(plane: Plane, packets: readonly Uint8Array[]): void {
  const { bytes, datagrams } = createBatch(plane.slab);
  let offset: number = REGIONS.UDP;
  for (const [i, packet] of packets.entries()) {
    bytes.set(packet, offset + 16);
    datagrams[i * DATAGRAM.WORDS + DATAGRAM.OFFSET] = offset;
    datagrams[i * DATAGRAM.WORDS + DATAGRAM.DELIVER] = packet.length;
    // At odd places too, as they are in a message of many datagrams.
    offset += 16 + packet.length + 17;
  }
  plane.tunSend(packets.length);
}

const hello = (port: number, i: number): Uint8Array =>
  udp({ source: [...PEER4], destination: [...TUN4], destinationPort: port, id: i, payload: pattern(500, i) });

for (const { family, peer, headers } of FAMILIES) {
  test(`a UDP super-packet of IPv${family} arrives as one frame, which is cut into the packets that were sent`, () =>
    withPlanes(async (plane) => {
      openTun(plane, { offload: true });
      plane.bind(0, 0);
      aim(plane, 7777, peer);
      const bytes = new Uint8Array(plane.slab, SEND, 4500);
      bytes.set(pattern(4500));
      assert.ok(plane.sendRun(SEND, 4500, 1000, LAYOUT.PEER_ENDPOINTS, 0));
      const [{ packet, words }] = (await receiveFrames(plane, 1)) as [Awaited<ReturnType<typeof receiveFrames>>[0]];
      const named = [
        FRAME.GSO_TYPE,
        FRAME.GSO_SIZE,
        FRAME.SEGMENTS,
        FRAME.HEADER_LENGTH,
        FRAME.CHECKSUM_OFFSET,
        FRAME.KEY,
      ];
      assert.equal(
        named.map((word) => words[word]),
        [5, 1000, 5, headers, 6, -1],
      );
      assert.is(packet.length, headers + 4500);
      const meta = { gsoType: 5, gsoSize: 1000, checksumStart: words[FRAME.CHECKSUM_START]!, checksumOffset: 6 };
      const packets = addon.segmentForTest(packet, meta);
      assert.equal(Uint8Array.from(packets.flatMap((each) => [...each.subarray(headers)])), pattern(4500));
    }));

  test(`a packet of IPv${family} that is written to the TUN reaches a socket`, () =>
    withPlanes(async (plane, socket) => {
      openTun(plane, { offload: true });
      const [source, destination] = family === 4 ? [PEER4, TUN4] : [PEER6, TUN6];
      const port = socket.bind(0, 0);
      const fields = { family, source: [...source], destination: [...destination], destinationPort: port };
      plane.inject(udp({ ...fields, payload: [1, 2, 3] }));
      deliver(plane, [udp({ ...fields, payload: [4, 5] })]);
      const datagrams = await receive(socket, 2);
      assert.equal(
        datagrams.map(({ bytes }) => [...bytes]),
        [
          [1, 2, 3],
          [4, 5],
        ],
      );
      assert.equal(plane.takeFaults(), []);
    }));
}

test('without offload packets come one by one with whole checksums, and are written one by one', () =>
  withPlanes(async (plane, socket) => {
    const { name } = openTun(plane, { offload: false });
    plane.bind(0, 0);
    aim(plane, 7777, PEER4);
    plane.sendRun(SEND, 3000, 1000, LAYOUT.PEER_ENDPOINTS, 0);
    for (const { packet, words } of await receiveFrames(plane, 3)) {
      assert.is(packet.length, 1028);
      assert.equal([words[FRAME.SEGMENTS], words[FRAME.CHECKSUM_OFFSET]], [1, 0]);
    }
    const before = received(name);
    deliver(
      plane,
      [0, 1, 2].map((i) => hello(socket.bind(0, 0), i)),
    );
    assert.is(received(name), before + 3);
  }));

test('a persistent TUN that gave super-packets gives none to who opens it without offload', () =>
  withPlanes(async (first, second) => {
    const { name } = first.openTun('keep0', { offload: true, persist: true });
    first.close();
    second.openTun(name, { offload: false });
    addon.addressAdd(name, TUN4, 24);
    addon.linkSet(name, { up: true });
    second.bind(0, 0);
    aim(second, 7777, PEER4);
    second.sendRun(SEND, 3000, 1000, LAYOUT.PEER_ENDPOINTS, 0);
    const frames = await receiveFrames(second, 3);
    assert.equal(
      frames.map(({ packet }) => packet.length),
      [1028, 1028, 1028],
    );
    addon.deleteLink(name);
  }));

test('packets of a flow are written as one, and reach the socket as what they were', () =>
  withPlanes(async (plane, socket) => {
    const { name } = openTun(plane, { offload: true });
    const port = socket.bind(0, 0);
    const before = received(name);
    deliver(
      plane,
      Array.from({ length: 20 }, (_, i) => hello(port, i)),
    );
    const datagrams = await receive(socket, 20);
    assert.equal(
      datagrams.map(({ bytes }) => bytes),
      Array.from({ length: 20 }, (_, i) => pattern(500, i)),
    );
    assert.is(received(name), before + 1);
  }));

test('only what is to be delivered is written, and nothing from outside of the slab', () =>
  withPlanes(async (plane, socket) => {
    openTun(plane, { offload: true });
    const { bytes, datagrams } = createBatch(plane.slab);
    const packet = hello(socket.bind(0, 0), 1);
    const places: [offset: number, deliver: number][] = [
      [REGIONS.UDP, 0],
      [REGIONS.UDP, -5],
      [-16, packet.length],
      [-2_000_000_000, packet.length],
      [plane.slab.byteLength - 20, packet.length],
      [2 ** 31 - 1, packet.length],
      [REGIONS.UDP, 2 ** 31 - 1],
      [REGIONS.UDP, packet.length],
    ];
    bytes.set(packet, REGIONS.UDP + 16);
    for (const [i, [offset, length]] of places.entries()) {
      datagrams[i * DATAGRAM.WORDS + DATAGRAM.OFFSET] = offset;
      datagrams[i * DATAGRAM.WORDS + DATAGRAM.DELIVER] = length;
    }
    plane.tunSend(-1);
    plane.tunSend(places.length);
    assert.is((await receive(socket, 1)).length, 1);
    assert.is(socket.udpReceive(), 0);
    assert.equal(plane.takeFaults(), []);
  }));

for (const [feature, name, packets] of [
  ['udp-coalescing', 'uso', (port: number) => [0, 1, 2].map((i) => hello(port, i))],
  [
    'tcp-coalescing',
    'tso',
    () =>
      [0, 1].map((i) => tcp({ source: [...PEER4], destination: [...TUN4], sequence: i * 10, payload: pattern(10) })),
  ],
] as const) {
  test(`a kernel that refuses merged writes again and again loses ${feature} alone, and no packet`, () =>
    withPlanes(async (plane, socket) => {
      const tun = openTun(plane, { offload: true });
      const port = socket.bind(0, 0);
      const all = packets(port);
      const before = received(tun.name);
      await refusing('writev 22', () => {
        for (let i = 0; i < 7; i++) deliver(plane, all);
        assert.ok(plane.features()[feature]);
        deliver(plane, all);
      });
      assert.is(received(tun.name), before + 8 * all.length);
      assert.equal(plane.takeFaults(), [{ syscall: 'writev', code: 'EINVAL', count: 8, feature: name }]);
      const { 'udp-coalescing': u, 'tcp-coalescing': t, tso, uso } = plane.features();
      assert.equal(
        { u, t, tso, uso },
        { u: feature !== 'udp-coalescing', t: feature !== 'tcp-coalescing', tso: true, uso: true },
      );
      deliver(plane, all);
      assert.is(received(tun.name), before + 9 * all.length);
    }));
}

test('a merged write that is refused now and then costs nothing but that', () =>
  withPlanes(async (plane, socket) => {
    openTun(plane, { offload: true });
    const port = socket.bind(0, 0);
    for (let i = 0; i < 20; i++) {
      await refusing('writev 22', () => deliver(plane, [hello(port, 0), hello(port, 1)]));
      deliver(plane, [hello(port, 0), hello(port, 1)]);
    }
    assert.ok(plane.features()['udp-coalescing']);
  }));

test('an interface that is down is a fault of its own, and no reason to leave anything out', () =>
  withPlanes((plane, socket) => {
    const { name } = openTun(plane, { offload: true });
    const port = socket.bind(0, 0);
    addon.linkSet(name, { up: false });
    for (let i = 0; i < 10; i++) deliver(plane, [hello(port, 0), hello(port, 1)]);
    assert.equal(plane.takeFaults(), [{ syscall: 'writev', code: 'EIO', count: 20 }]);
    assert.ok(plane.features()['udp-coalescing']);
  }));

test('without a TUN nothing is read and nothing written', () =>
  withPlanes((plane) => {
    assert.is(plane.tunReceive(), 0);
    plane.inject(Uint8Array.of(0x45));
    deliver(plane, [hello(1, 1)]);
    assert.equal(plane.takeFaults(), []);
  }));

test.run();
