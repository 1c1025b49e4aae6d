import { createSocket } from 'node:dgram';
import { createEndpoint, ENDPOINT, formatEndpoint, parseAddress, writeEndpoint } from '@pcloud/ip';
import { type Batch, createBatch, DATAGRAM, LAYOUT, REGIONS } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createDgramBind } from '../src/dgram-bind.ts';
import { createMemoryNetwork } from '../src/testing/memory-bind.ts';

const LOOPBACK4 = parseAddress('127.0.0.1')!;
const LOOPBACK6 = parseAddress('::1')!;
const batch = createBatch();

type Received = { bytes: Uint8Array; type: number; receiver: number; source: string }[];

/** Takes what comes until there are `count` datagrams. */
function receive(bind: ReturnType<typeof createDgramBind>, into: Batch, count: number): Promise<Received> {
  const received: Received = [];
  return new Promise((resolve) => {
    bind.listen({
      readable() {
        const got = bind.receive(into);
        for (let i = 0; i < got; i++) {
          const at = i * DATAGRAM.WORDS;
          const offset = into.datagrams[at + DATAGRAM.OFFSET]!;
          received.push({
            bytes: into.bytes.slice(offset, offset + into.datagrams[at + DATAGRAM.LENGTH]!),
            type: into.datagrams[at + DATAGRAM.TYPE]!,
            receiver: into.datagrams[at + DATAGRAM.RECEIVER]!,
            source: formatEndpoint(into.endpoints, into.datagrams[at + DATAGRAM.SOURCE]!),
          });
        }
        if (received.length >= count) resolve(received);
      },
    });
  });
}

test('a datagram arrives with its type, its receiver index and where it came from', async () => {
  const a = createDgramBind();
  const b = createDgramBind();
  const portA = await a.open(0, 0);
  const portB = await b.open(0, 0);
  const arrived = receive(b, batch, 1);
  a.transmit(Uint8Array.from([4, 0, 0, 0, 1, 2, 3, 4, 9]), createEndpoint(LOOPBACK4, portB), 0);
  const [datagram] = await arrived;
  a.close();
  b.close();
  assert.equal(datagram!.bytes, Uint8Array.from([4, 0, 0, 0, 1, 2, 3, 4, 9]));
  assert.is(datagram!.type, 4);
  assert.is(datagram!.receiver, 0x04030201);
  assert.is(datagram!.source, `127.0.0.1:${portA}`);
});

test('both families are on one port', async () => {
  const a = createDgramBind();
  const b = createDgramBind();
  const portA = await a.open(0, 0);
  const portB = await b.open(0, 0);
  const arrived = receive(b, batch, 2);
  a.transmit(new Uint8Array(40), createEndpoint(LOOPBACK4, portB), 0);
  a.transmit(new Uint8Array(40), createEndpoint(LOOPBACK6, portB), 0);
  const sources = (await arrived).map((datagram) => datagram.source).sort();
  a.close();
  b.close();
  assert.equal(sources, [`127.0.0.1:${portA}`, `[::1]:${portA}`]);
});

test('a run goes out as datagrams of the segment size, the last one shorter', async () => {
  const a = createDgramBind();
  const b = createDgramBind();
  await a.open(0, 0);
  const port = await b.open(0, 0);
  const slot = LAYOUT.PEER_ENDPOINTS;
  writeEndpoint(batch.endpoints, slot, LOOPBACK4, port);
  const receiving = createBatch();
  const arrived = receive(b, receiving, 3);
  for (let i = 0; i < 250; i++) batch.bytes[REGIONS.SEND + i] = i;
  a.sendRun(batch, REGIONS.SEND, 250, 100, slot, 0);
  // The caller writes the next batch over it at once.
  batch.bytes.fill(0xff, REGIONS.SEND, REGIONS.SEND + 250);
  const lengths = (await arrived).map((datagram) => [datagram.bytes.length, datagram.bytes[0]]);
  a.close();
  b.close();
  assert.equal(lengths, [
    [100, 0],
    [100, 100],
    [50, 200],
  ]);
});

test('the largest datagram there is fits', async () => {
  const a = createDgramBind();
  const b = createDgramBind();
  await a.open(0, 0);
  const port = await b.open(0, 0);
  const arrived = receive(b, batch, 1);
  a.transmit(new Uint8Array(65_507), createEndpoint(LOOPBACK4, port), 0);
  const [datagram] = await arrived;
  a.close();
  b.close();
  assert.is(datagram!.bytes.length, 65_507);
});

test('more datagrams than a batch holds come in several', async () => {
  const a = createDgramBind();
  const b = createDgramBind();
  await a.open(0, 0);
  const port = await b.open(0, 0);
  const arrived = receive(b, batch, 150);
  for (let i = 0; i < 150; i++) a.transmit(Uint8Array.from([i]), createEndpoint(LOOPBACK4, port), 0);
  const bytes = (await arrived).map((datagram) => datagram.bytes[0]);
  a.close();
  b.close();
  assert.equal(
    bytes,
    Array.from({ length: 150 }, (_, i) => i),
  );
});

test('a port that nobody listens on, and port 0, end nothing', async () => {
  const gone = createSocket('udp4');
  await new Promise<void>((resolve) => gone.bind(0, '127.0.0.1', resolve));
  const closedPort = gone.address().port;
  gone.close();
  const a = createDgramBind();
  const b = createDgramBind();
  await a.open(0, 0);
  const port = await b.open(0, 0);
  for (let i = 0; i < 5; i++) a.transmit(new Uint8Array(10), createEndpoint(LOOPBACK4, closedPort), 0);
  a.transmit(new Uint8Array(10), createEndpoint(LOOPBACK4, 0), 0);
  a.transmit(new Uint8Array(10), new Int32Array(ENDPOINT.WORDS), 0);
  const arrived = receive(b, batch, 1);
  a.transmit(new Uint8Array(10), createEndpoint(LOOPBACK4, port), 0);
  assert.is((await arrived).length, 1);
  assert.is(a.counters.sendFailed, 2);
  a.close();
  b.close();
});

test('a port in use is refused with the code of the system', async () => {
  const a = createDgramBind();
  const b = createDgramBind();
  const port = await a.open(0, 0);
  const code = await b.open(port, 0).then(
    () => 'opened',
    (error) => error.code,
  );
  a.close();
  b.close();
  assert.is(code, 'EADDRINUSE');
});

test('opening again moves to the new port', async () => {
  const a = createDgramBind();
  const first = await a.open(0, 0);
  const second = await a.open(0, 0);
  assert.is.not(first, second);
  const again = createDgramBind();
  assert.is(await again.open(first, 0), first);
  a.close();
  again.close();
});

test('a mark is refused as not supported, and no mark is not', async () => {
  const a = createDgramBind();
  a.setMark(0);
  assert.throws(
    () => a.setMark(51_820),
    (error: { code?: string }) => error.code === 'ENOTSUP',
  );
  const code = await a.open(0, 1).catch((error) => error.code);
  assert.is(code, 'ENOTSUP');
});

test('the bind in memory takes runs apart the same way', () => {
  const network = createMemoryNetwork();
  const a = network.createBind('10.0.0.1');
  const b = network.createBind('10.0.0.2');
  void a.open(1, 0);
  void b.open(2, 0);
  writeEndpoint(batch.endpoints, LAYOUT.PEER_ENDPOINTS, parseAddress('10.0.0.2')!, 2);
  a.sendRun(batch, REGIONS.SEND, 250, 100, LAYOUT.PEER_ENDPOINTS, 1);
  assert.is(network.settle(), 3);
  assert.is(b.receive(batch), 3);
  assert.is(batch.datagrams[DATAGRAM.TOS], 1);
});

test.run();
