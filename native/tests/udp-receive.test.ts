import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { ENDPOINT, endpointAddressBytes } from '@pcloud/ip';
import { createBatch, DATAGRAM, LAYOUT } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { waitFor } from '../../tests/lab/wait.ts';
import { addon, withPlanes } from './addon.ts';
import { aim, LOOPBACK, LOOPBACK6, receive } from './batches.ts';
import { isolate } from './isolate.ts';

isolate();
addon.linkSet('lo', { up: true });

const LO = addon.linkInfo('lo')!.index;

for (const [family, address] of [
  [4, Uint8Array.of(127, 0, 0, 5)],
  [6, LOOPBACK6],
] as const) {
  test(`an IPv${family} datagram comes with its sender, its TOS byte, and the address and interface it was sent to`, () =>
    withPlanes(async (sender, receiver) => {
      const port = sender.bind(0, 0);
      const endpoint = aim(sender, receiver.bind(0, 0), address);
      assert.ok(sender.transmit(Uint8Array.of(4, 0, 0, 0), endpoint, 0x8a));
      const [datagram] = await receive(receiver, 1);
      assert.is(datagram!.tos, 0x8a);
      const { endpoints } = createBatch(receiver.slab);
      const record = endpoints.subarray(datagram!.source * ENDPOINT.WORDS);
      assert.is(record[ENDPOINT.FAMILY], family);
      assert.is(record[ENDPOINT.PORT], port);
      assert.is(record[ENDPOINT.HAS_SOURCE], 1);
      assert.is(record[ENDPOINT.SOURCE_INTERFACE], LO);
      const source = new Uint8Array(record.buffer, record.byteOffset + ENDPOINT.SOURCE * 4, address.length);
      assert.equal(source, address);
      const remote = endpointAddressBytes(endpoints, datagram!.source);
      assert.equal(remote, family === 4 ? LOOPBACK : LOOPBACK6);
    }));
}

test('a run arrives as one message, cut where its datagrams end, each with type, receiver and counter', () =>
  withPlanes(async (sender, receiver) => {
    sender.bind(0, 0);
    aim(sender, receiver.bind(0, 0));
    const { SEND } = addon.layout.REGIONS;
    const words = new Uint32Array(sender.slab, SEND!, 25 * 10);
    for (let i = 0; i < words.length; i++) words[i] = i * 0x0101_0101 + 0xf000_0000;
    const sent = new Uint8Array(sender.slab, SEND!, 950).slice();
    assert.ok(sender.sendRun(SEND!, 950, 100, LAYOUT.PEER_ENDPOINTS, 1));
    const { datagrams } = createBatch(receiver.slab);
    const received = await receive(receiver, 10);
    assert.equal(
      received.map(({ bytes, tos, source }) => [bytes, tos, source]),
      Array.from({ length: 10 }, (_, i) => [sent.subarray(i * 100, i * 100 + 100), 1, 0]),
    );
    for (let i = 0; i < 10; i++) {
      const found = datagrams.subarray(
        i * DATAGRAM.WORDS + DATAGRAM.TYPE,
        i * DATAGRAM.WORDS + DATAGRAM.COUNTER_HIGH + 1,
      );
      assert.equal(found, Int32Array.from(words.subarray(i * 25, i * 25 + 4)));
    }
    assert.ok(receiver.features()['udp-gro']);
  }));

test('of a datagram that is too short, what is not there is zero', () =>
  withPlanes(async (sender, receiver) => {
    sender.bind(0, 0);
    const endpoint = aim(sender, receiver.bind(0, 0));
    const { datagrams } = createBatch(receiver.slab);
    for (const [length, words] of [
      [0, [0, 0, 0, 0]],
      [3, [0, 0, 0, 0]],
      [4, [-1, 0, 0, 0]],
      [8, [-1, -1, 0, 0]],
      [15, [-1, -1, 0, 0]],
      [16, [-1, -1, -1, -1]],
    ] as const) {
      sender.transmit(new Uint8Array(length).fill(0xff), endpoint, 0);
      await receive(receiver, 1);
      assert.is(datagrams[DATAGRAM.LENGTH], length);
      assert.equal(Array.from(datagrams.subarray(DATAGRAM.TYPE, DATAGRAM.COUNTER_HIGH + 1)), words);
      assert.equal([datagrams[DATAGRAM.KEY], datagrams[DATAGRAM.OPENED], datagrams[DATAGRAM.DELIVER]], [-1, -1, 0]);
    }
  }));

test('the longest datagram there is arrives whole', async () => {
  const socket = createSocket('udp4');
  await withPlanes(async (receiver) => {
    socket.send(new Uint8Array(65_507).fill(5), receiver.bind(0, 0), '127.0.0.1');
    const [datagram] = await receive(receiver, 1);
    assert.equal(datagram!.bytes, new Uint8Array(65_507).fill(5));
  });
  socket.close();
});

test('many senders of both families all arrive, in the order of each', () =>
  withPlanes(async (sender, receiver) => {
    sender.bind(0, 0);
    const port = receiver.bind(0, 0);
    const ways = [aim(sender, port, LOOPBACK, 200), aim(sender, port, LOOPBACK6, 201)];
    for (let i = 0; i < 300; i++)
      for (const [way, endpoint] of ways.entries()) sender.transmit(Uint8Array.of(way, i & 0xff), endpoint, 0);
    const received = await receive(receiver, 600);
    for (const way of [0, 1]) {
      const order = received.filter(({ bytes }) => bytes[0] === way).map(({ bytes }) => bytes[1]);
      assert.equal(
        order,
        Array.from({ length: 300 }, (_, i) => i & 0xff),
      );
    }
  }));

test('more datagrams than a batch holds come in several, and none is lost', () =>
  withPlanes(async (sender, receiver) => {
    sender.bind(0, 0);
    aim(sender, receiver.bind(0, 0));
    const { SEND } = addon.layout.REGIONS;
    for (let i = 0; i < 20; i++) {
      new Uint8Array(sender.slab, SEND!, 64).fill(i);
      sender.sendRun(SEND!, 64, 1, LAYOUT.PEER_ENDPOINTS, 0);
    }
    const received = await receive(receiver, 1280);
    assert.equal(
      received.map(({ bytes }) => bytes[0]),
      Array.from({ length: 1280 }, (_, i) => i >> 6),
    );
  }));

test('a refused datagram is no fault, and the socket goes on', () =>
  withPlanes(async (sender, receiver) => {
    sender.bind(0, 0);
    const endpoint = aim(sender, receiver.bind(0, 0));
    const closed = createSocket('udp4').bind(0, '127.0.0.1');
    await once(closed, 'listening');
    const nobody = aim(sender, closed.address().port, LOOPBACK, 300);
    closed.close();
    let answers = 0;
    sender.listen({
      tun() {},
      udp: () => {
        answers += sender.udpReceive();
      },
      closed() {},
    });
    for (let i = 0; i < 5; i++) {
      assert.ok(sender.transmit(Uint8Array.of(1), nobody, 0));
      assert.ok(sender.transmit(Uint8Array.of(2), endpoint, 0));
    }
    const { source } = (await receive(receiver, 5))[0]!;
    const { endpoints } = createBatch(receiver.slab);
    receiver.transmit(Uint8Array.of(3), endpoints.subarray(source * ENDPOINT.WORDS, (source + 1) * ENDPOINT.WORDS), 0);
    await waitFor('the answer', () => answers === 1, 2000);
    assert.equal(sender.takeFaults(), []);
  }));

test.run();
