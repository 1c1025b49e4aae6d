import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBatch, DATAGRAM, FRAME, REGIONS } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createFdTun, inspectTunDescriptor } from '../src/fd-tun.ts';

const batch = createBatch();

/** A descriptor that gives back what is written to it. */
function openEcho(): number {
  const path = join(mkdtempSync(join(tmpdir(), 'fifo-')), 'fifo');
  execFileSync('mkfifo', [path]);
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
}

function createPacket(length: number, version = 4): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i === 0 ? version << 4 : i));
}

for (const prefixBytes of [0, 4, 10, 14]) {
  test(`packets go out and come in with ${prefixBytes} bytes in front`, async () => {
    const descriptor = openEcho();
    const tun = createFdTun(descriptor, { name: 'tun9', prefixBytes });
    const packet = createPacket(84);
    const received = new Promise<Uint8Array>((resolve) => {
      tun.listen({
        readable() {
          if (tun.receive(batch) === 0) return;
          const offset = batch.frames[FRAME.OFFSET]!;
          assert.is(batch.frames[FRAME.SEGMENTS], 1);
          assert.is(batch.frames[FRAME.KEY], -1);
          resolve(batch.bytes.slice(offset, offset + batch.frames[FRAME.LENGTH]!));
        },
        closed() {},
      });
    });
    tun.inject(packet);
    assert.equal(await received, packet);
    tun.close();
  });
}

test('packet information names the protocol', () => {
  const descriptor = openEcho();
  const tun = createFdTun(descriptor, { name: 'tun9', prefixBytes: 4 });
  const out = new Uint8Array(100);
  tun.inject(createPacket(20));
  assert.is(readSync(descriptor, out), 24);
  assert.equal(out.slice(0, 4), Uint8Array.from([0, 0, 0x08, 0]));
  tun.inject(createPacket(40, 6));
  assert.is(readSync(descriptor, out), 44);
  assert.equal(out.slice(0, 4), Uint8Array.from([0, 0, 0x86, 0xdd]));
  tun.close();
});

test('datagrams that are to be delivered are written from behind their message header', () => {
  const descriptor = openEcho();
  const tun = createFdTun(descriptor, { name: 'tun9', prefixBytes: 10 });
  const packet = createPacket(50);
  batch.datagrams.fill(0, 0, 2 * DATAGRAM.WORDS);
  batch.datagrams[DATAGRAM.WORDS + DATAGRAM.OFFSET] = REGIONS.UDP;
  batch.datagrams[DATAGRAM.WORDS + DATAGRAM.DELIVER] = 50;
  batch.bytes.fill(0xee, REGIONS.UDP, REGIONS.UDP + 16);
  batch.bytes.set(packet, REGIONS.UDP + 16);
  tun.send(batch, 2);
  const out = new Uint8Array(100);
  assert.is(readSync(descriptor, out), 60);
  assert.equal(out.slice(0, 10), new Uint8Array(10));
  assert.equal(out.slice(10, 60), packet);
  tun.close();
});

test('a descriptor that is not a TUN, or not open, is refused by name', () => {
  const descriptor = openEcho();
  assert.throws(() => inspectTunDescriptor(descriptor), 'WG_TUN_FD: the descriptor is not a TUN');
  closeSync(descriptor);
  assert.throws(() => inspectTunDescriptor(9_999), 'WG_TUN_FD: the descriptor is not open');
});

test('closing twice is as good as once', () => {
  const tun = createFdTun(openEcho(), { name: 'tun9', prefixBytes: 0 });
  tun.listen({ readable() {}, closed() {} });
  tun.close();
  tun.close();
});

test.run();
