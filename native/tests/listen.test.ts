import { createSocket } from 'node:dgram';
import { writeSync } from 'node:fs';
import { LAYOUT } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { udp } from '../../packages/ip/tests/segment-packets.ts';
import { sleep, waitFor } from '../../tests/lab/wait.ts';
import type { Plane } from '../index.ts';
import { addon, codeOf, withPlanes } from './addon.ts';
import { aim, LOOPBACK, LOOPBACK6 } from './batches.ts';
import { isolate } from './isolate.ts';
import { openTun, PEER4, TUN4 } from './tuns.ts';

isolate();
addon.linkSet('lo', { up: true });

interface Heard {
  tun: number;
  udp: number;
  readonly closed: Error[];
}

/** Listens, takes all there is, and counts. */
function listen(plane: Plane): Heard {
  const heard: Heard = { tun: 0, udp: 0, closed: [] };
  plane.listen({
    tun: () => {
      heard.tun += plane.tunReceive();
    },
    udp: () => {
      heard.udp += plane.udpReceive();
    },
    closed: (error) => heard.closed.push(error),
  });
  return heard;
}

/** Sends one datagram over each family. */
function greet(from: Plane, port: number): void {
  for (const [i, address] of [LOOPBACK, LOOPBACK6].entries()) {
    assert.ok(from.transmit(Uint8Array.of(1), aim(from, port, address, 200 + i), 0));
  }
}

/** A UDP super-packet of datagrams of one byte, written past the plane as another kernel's could come. */
function writeLarge(fd: number, port: number, datagrams: number): void {
  const packet = udp({
    source: [...PEER4],
    destination: [...TUN4],
    destinationPort: port,
    payload: new Uint8Array(datagrams),
  });
  const [whole] = addon.coalesceForTest([packet, packet], { tcp: false, udp: true });
  const partial = packet.slice();
  // The sum of the pseudo-header alone, for the length of this packet.
  let sum = 17 + packet.length - 20;
  for (let i = 12; i < 20; i += 2) sum += (packet[i]! << 8) | packet[i + 1]!;
  partial[26] = (sum & 0xffff) >> 8;
  partial[27] = sum & 0xff;
  const { headerLength, checksumStart, checksumOffset } = whole!;
  const header = new Uint8Array(new Uint16Array([0x0501, headerLength, 1, checksumStart, checksumOffset]).buffer);
  writeSync(fd, Uint8Array.from([...header, ...partial]));
}

test('the TUN and the sockets of both families call when they have something', () =>
  withPlanes(async (plane, other) => {
    openTun(plane, { offload: true });
    other.bind(0, 0);
    const heard = listen(plane);
    greet(other, plane.bind(0, 0));
    other.transmit(Uint8Array.of(1), aim(other, 9, PEER4), 0);
    await waitFor('all of it', () => heard.udp === 2 && heard.tun > 0, 2000);
  }));

test('what is opened after listening began is listened to, and what is opened instead of it', () =>
  withPlanes(async (plane, other) => {
    other.bind(0, 0);
    const heard = listen(plane);
    for (let i = 1; i <= 2; i++) {
      openTun(plane, { offload: true });
      greet(other, plane.bind(0, 0));
      other.transmit(Uint8Array.of(1), aim(other, 9, PEER4), 0);
      await waitFor('all of it', () => heard.udp === 2 * i && heard.tun >= i, 2000);
    }
  }));

test('a TUN that stays open because another did not open is listened to as before', () =>
  withPlanes(async (plane, other) => {
    openTun(plane, { offload: true });
    other.bind(0, 0);
    const heard = listen(plane);
    assert.is(
      codeOf(() => plane.openTun('lo', { offload: true })),
      'EINVAL',
    );
    assert.is(
      codeOf(() => plane.adoptTun(9999)),
      'EBADF',
    );
    heard.tun = 0;
    other.transmit(Uint8Array.of(1), aim(other, 9, PEER4), 0);
    await waitFor('a packet', () => heard.tun > 0, 2000);
  }));

test('paused, nothing calls, and resumed, what waited is there', () =>
  withPlanes(async (plane, other) => {
    openTun(plane, { offload: true });
    other.bind(0, 0);
    const port = plane.bind(0, 0);
    const heard = listen(plane);
    plane.readTun(false);
    plane.readUdp(false);
    greet(other, port);
    other.transmit(Uint8Array.of(1), aim(other, 9, PEER4), 0);
    await sleep(20);
    assert.equal([heard.tun, heard.udp], [0, 0]);
    plane.readTun(true);
    plane.readUdp(true);
    await waitFor('all of it', () => heard.udp === 2 && heard.tun > 0, 2000);
  }));

test('a batch that is more than one call takes is handed over to the end', () =>
  withPlanes(async (plane) => {
    const { fd } = openTun(plane, { offload: true });
    const port = plane.bind(0, 0);
    const heard = listen(plane);
    for (let i = 0; i < 8; i++) writeLarge(fd, port, 128);
    await waitFor(
      'all of it',
      () => heard.udp === 1024,
      2000,
      () => `${heard.udp}`,
    );
  }));

test('what was left of a batch when reading paused comes when it resumes, though no socket is readable', () =>
  withPlanes(async (plane) => {
    const { fd } = openTun(plane, { offload: true });
    const port = plane.bind(0, 0);
    const counts: number[] = [];
    plane.listen({
      tun: () => void plane.tunReceive(),
      udp: () => {
        const count = plane.udpReceive();
        if (count > 0) counts.push(count);
        if (counts.length === 1) plane.readUdp(false);
      },
      closed() {},
    });
    for (let i = 0; i < 8; i++) writeLarge(fd, port, 128);
    await waitFor('a batch', () => counts.length > 0, 2000);
    await sleep(20);
    assert.equal(counts, [LAYOUT.DATAGRAMS]);
    plane.readUdp(true);
    await waitFor(
      'the rest',
      () => counts.reduce((sum, count) => sum + count) === 1024,
      2000,
      () => `${counts}`,
    );
  }));

test('an interface that is deleted is told once, with EBADFD, and the sockets go on', () =>
  withPlanes(async (plane, other) => {
    const { name } = openTun(plane, { offload: true });
    other.bind(0, 0);
    const heard = listen(plane);
    const port = plane.bind(0, 0);
    addon.deleteLink(name);
    await waitFor('the end', () => heard.closed.length > 0, 2000);
    greet(other, port);
    await waitFor('datagrams', () => heard.udp === 2, 2000);
    assert.equal(
      heard.closed.map((error) => (error as NodeJS.ErrnoException).code),
      ['EBADFD'],
    );
    plane.inject(Uint8Array.of(0x45));
    assert.is(plane.tunReceive(), 0);
    assert.equal(
      plane.takeFaults().map((fault) => fault.code),
      ['EBADFD', 'EBADFD'],
    );
  }));

test('after a deletion another TUN can be opened, and is listened to', () =>
  withPlanes(async (plane, other) => {
    other.bind(0, 0);
    const heard = listen(plane);
    addon.deleteLink(openTun(plane, { offload: true }).name);
    await waitFor('the end', () => heard.closed.length > 0, 2000);
    openTun(plane, { offload: true });
    other.transmit(Uint8Array.of(1), aim(other, 9, PEER4), 0);
    await waitFor('a packet', () => heard.tun > 0, 2000);
  }));

test('listening again replaces the callbacks, and stopping ends them', () =>
  withPlanes(async (plane, other) => {
    other.bind(0, 0);
    const port = plane.bind(0, 0);
    const [old, now] = [listen(plane), listen(plane)];
    greet(other, port);
    await waitFor('datagrams', () => now.udp === 2, 2000);
    assert.is(old.udp, 0);
    plane.stop();
    greet(other, port);
    await sleep(20);
    assert.is(now.udp, 2);
    assert.ok(plane.udpReceive() > 0);
  }));

for (const end of ['close', 'stop', 'closeSockets'] as const) {
  test(`${end} in the middle of a callback ends it there, and nothing calls any more`, () =>
    withPlanes(async (plane, other) => {
      other.bind(0, 0);
      const port = plane.bind(0, 0);
      let called = 0;
      greet(other, port);
      plane.listen({
        tun() {},
        udp() {
          called++;
          plane[end]();
        },
        closed() {},
      });
      await waitFor('a call', () => called > 0, 2000);
      await sleep(20);
      assert.is(called, 1);
    }));
}

test('a socket opened anew in the middle of a callback is listened to', () =>
  withPlanes(async (plane, other) => {
    other.bind(0, 0);
    let port = plane.bind(0, 0);
    let called = 0;
    plane.listen({
      tun() {},
      udp() {
        called++;
        plane.udpReceive();
        port = plane.bind(0, 0);
      },
      closed() {},
    });
    for (let i = 1; i <= 3; i++) {
      other.transmit(Uint8Array.of(1), aim(other, port), 0);
      await waitFor('a call', () => called === i, 2000);
    }
  }));

test('an error that a socket has is not its end', async () => {
  const closed = createSocket('udp4');
  await new Promise<void>((resolve) => closed.bind(0, '127.0.0.1', resolve));
  const { port: nobody } = closed.address();
  closed.close();
  await withPlanes(async (plane, other) => {
    other.bind(0, 0);
    const port = plane.bind(0, 0);
    const heard = listen(plane);
    for (let i = 0; i < 3; i++) plane.transmit(Uint8Array.of(1), aim(plane, nobody), 0);
    await sleep(5);
    greet(other, port);
    await waitFor('datagrams', () => heard.udp === 2, 2000);
    assert.equal(heard.closed, []);
  });
});

test.run();
