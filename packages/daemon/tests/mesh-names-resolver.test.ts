import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { formatAddress, parseAddress } from '@pcloud/ip';
import { type DecodedPacket, decode, encode, type Packet, streamDecode, streamEncode } from 'dns-packet';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createAskServer } from '../src/mesh/names/ask-server.ts';
import type { AskOptions } from '../src/mesh/names/ask-servers.ts';
import { createForwarder, MAX_IN_FLIGHT } from '../src/mesh/names/forwarder.ts';
import { createHostTable } from '../src/mesh/names/host-table.ts';
import { type Listener, listenForNames } from '../src/mesh/names/listener.ts';
import { createOutsideHosts, hostsFileAddresses } from '../src/mesh/names/outside-hosts.ts';
import { createOwnHost } from '../src/mesh/names/own-host.ts';
import { createResolver, type Resolver } from '../src/mesh/names/resolver.ts';
import { createFrameReader, writeFrame } from '../src/mesh/names/tcp-frames.ts';
import { createFakeClock, type FakeClock } from '../src/testing/fake-clock.ts';
import { createFakeControl, createMap, createNode, settle } from '../src/testing/fake-control.ts';
import { createFakeMachine } from '../src/testing/fake-machine.ts';

const key = new Uint8Array(32);
const table = createHostTable(
  createMap(createFakeControl(), [createNode(2, key), createNode(1, key, { name: 'seed' })]),
);

interface Asked extends AskOptions {
  readonly server: string;
  readonly question: Uint8Array;
  readonly answer: (bytes: Uint8Array) => void;
  readonly fail: () => void;
}

interface World {
  readonly clock: FakeClock;
  readonly resolver: Resolver;
  /** What servers were asked, in order. */
  readonly asked: Asked[];
  readonly stop: () => void;
}

function createWorld(servers: string[] = ['192.0.2.53', '192.0.2.54'], forwards = true): World {
  const clock = createFakeClock();
  const asked: Asked[] = [];
  const forwarder = createForwarder({
    servers: () => servers,
    clock,
    random: (out) => void out.fill(asked.length + 1),
    ask: (server, question, options) =>
      new Promise((resolve, reject) => {
        const answer = (bytes: Uint8Array): void => void (options.accepts(bytes) && resolve(bytes));
        asked.push({ ...options, server, question, answer, fail: () => reject(new Error('refused')) });
      }),
  });
  const host = { isOwn: (address: string) => address === '10.0.0.2', goesOutside: () => false };
  const resolver = createResolver({ table: () => table, host, forwarder, forwards: () => forwards });
  return { clock, resolver, asked, stop: () => forwarder.stop() };
}

const query = (name: string, change: Packet = {}): Buffer =>
  encode({ type: 'query', id: 7, flags: 0x100, questions: [{ name, type: 'A' }], ...change });

function reply(question: Uint8Array, change: Packet = {}): Buffer {
  const { id, questions } = decode(Buffer.from(question));
  return encode({ type: 'response', id: id!, questions: questions!, ...change });
}

const pointing = (data: string): Packet => ({ answers: [{ name: 'example.com', type: 'A', data }] });
const read = (bytes: Uint8Array | undefined): DecodedPacket & { rcode: string } =>
  decode(Buffer.from(bytes!)) as DecodedPacket & { rcode: string };
const dataOf = (bytes: Uint8Array | undefined): unknown[] =>
  read(bytes).answers!.map((each) => ('data' in each ? each.data : undefined));

test("other names are asked of the machine's servers under another id, and answered under the own", async () => {
  const { resolver, asked } = createWorld();
  const answer = resolver.handle(query('example.com'), '10.0.0.2', 'udp');
  await settle();
  assert.equal(
    asked.map(({ server }) => server),
    ['192.0.2.53'],
  );
  assert.is(read(asked[0]!.question).id, 0x0101);
  asked[0]!.answer(reply(asked[0]!.question, pointing('192.0.2.80')));
  assert.is(read(await answer).id, 7);
  assert.equal(dataOf(await answer), ['192.0.2.80']);
  assert.ok(asked[0]!.signal.aborted, 'the socket is not needed any more');
});

test('where only names of the mesh come here, others are refused', async () => {
  const { resolver, asked } = createWorld([], false);
  assert.is(read(await resolver.handle(query('example.com'), '10.0.0.2', 'udp')).rcode, 'REFUSED');
  assert.equal(dataOf(await resolver.handle(query('seed.pcloud'), '10.0.0.2', 'udp')), ['10.0.0.1']);
  assert.is(asked.length, 0);
});

test('another machine gets no answer, and what is malformed neither; both are counted', async () => {
  const { resolver } = createWorld();
  assert.is(await resolver.handle(query('seed.pcloud'), '10.0.0.1', 'udp'), undefined);
  assert.is(await resolver.handle(new Uint8Array(20), '10.0.0.2', 'udp'), undefined);
  assert.is(resolver.counts.foreign, 1);
  assert.is(resolver.counts.malformed, 1);
  assert.is(resolver.counts.answered, 0);
});

test('an outside answer that points into the mesh is dropped', async () => {
  const { resolver, asked } = createWorld();
  const answer = resolver.handle(query('example.com'), '10.0.0.2', 'udp');
  await settle();
  asked[0]!.answer(reply(asked[0]!.question, pointing('10.0.0.1')));
  assert.equal(dataOf(await answer), []);
  assert.is(read(await answer).rcode, 'NOERROR', 'an error would have programs ask the next server');
  assert.is(resolver.counts.rebinding, 1);
});

test('a server that says nothing is passed over, and its late answer still taken', async () => {
  const { resolver, asked, clock } = createWorld();
  const answer = resolver.handle(query('example.com'), '10.0.0.2', 'udp');
  await settle();
  clock.advance(1_200);
  assert.equal(
    asked.map(({ server }) => server),
    ['192.0.2.53', '192.0.2.54'],
  );
  asked[0]!.answer(reply(asked[0]!.question, pointing('192.0.2.80')));
  assert.equal(dataOf(await answer), ['192.0.2.80']);
  assert.ok(asked[1]!.signal.aborted);
  assert.is(clock.pending, 0);
});

test('a server that fails or refuses is passed over, and the one that answers is asked first from then on', async () => {
  const { resolver, asked } = createWorld();
  const first = resolver.handle(query('example.com'), '10.0.0.2', 'udp');
  await settle();
  asked[0]!.answer(reply(asked[0]!.question, { flags: 2 }));
  await settle();
  asked[1]!.answer(reply(asked[1]!.question, pointing('192.0.2.80')));
  assert.equal(dataOf(await first), ['192.0.2.80']);
  void resolver.handle(query('example.org'), '10.0.0.2', 'udp');
  await settle();
  assert.equal(
    asked.map(({ server }) => server),
    ['192.0.2.53', '192.0.2.54', '192.0.2.54'],
  );
});

test('when all refuse, that is the answer, and when nobody is there, it is a failure at once', async () => {
  const { resolver, asked, clock } = createWorld();
  const refused = resolver.handle(query('example.com'), '10.0.0.2', 'udp');
  await settle();
  asked[0]!.answer(reply(asked[0]!.question, { flags: 5 }));
  await settle();
  asked[1]!.fail();
  assert.is(read(await refused).rcode, 'REFUSED');
  const failed = resolver.handle(query('example.org'), '10.0.0.2', 'udp');
  await settle();
  for (const at of [2, 3]) {
    asked[at]!.fail();
    await settle();
  }
  assert.is(read(await failed).rcode, 'SERVFAIL');
  assert.is(resolver.counts.failed, 1);
  assert.is(clock.pending, 0);
});

test('servers are asked four times in all, and the failure comes before programs ask again', async () => {
  const { resolver, asked, clock } = createWorld(['192.0.2.53']);
  const answer = resolver.handle(query('example.com'), '10.0.0.2', 'udp');
  await settle();
  clock.advance(4_900);
  assert.is(read(await answer).rcode, 'SERVFAIL');
  assert.is(asked.length, 4);
});

test('with no servers at all, other names fail', async () => {
  const { resolver } = createWorld([]);
  assert.is(read(await resolver.handle(query('example.com'), '10.0.0.2', 'udp')).rcode, 'SERVFAIL');
});

test('an answer with another id, name or type is not believed', async () => {
  const { resolver, asked } = createWorld();
  const answer = resolver.handle(query('example.com'), '10.0.0.2', 'udp');
  await settle();
  const { question, answer: give } = asked[0]!;
  give(reply(question, { id: 7, ...pointing('192.0.2.66') }));
  give(reply(question, { questions: [{ name: 'example.org', type: 'A' }] }));
  give(reply(question, { questions: [{ name: 'example.com', type: 'AAAA' }] }));
  give(question);
  give(new Uint8Array(3));
  give(reply(question, { questions: [{ name: 'EXAMPLE.com', type: 'A' }], ...pointing('192.0.2.80') }));
  assert.equal(dataOf(await answer), ['192.0.2.80']);
});

test('the same question is asked once while it waits, so that a server that asks us in turn makes no storm', async () => {
  const { resolver, asked, clock } = createWorld(['127.0.0.1']);
  const answers = [1, 2, 3].map((id) => resolver.handle(query('example.com', { id }), '10.0.0.2', 'udp'));
  await settle();
  assert.is(asked.length, 1);
  asked[0]!.answer(reply(asked[0]!.question, pointing('192.0.2.80')));
  assert.equal(
    (await Promise.all(answers)).map((each) => read(each).id),
    [1, 2, 3],
  );
  const loop = resolver.handle(query('loop.example'), '10.0.0.2', 'udp');
  await settle();
  for (let i = 0; i < 20; i++) {
    void resolver.handle(query('loop.example', { id: i }), '10.0.0.2', 'udp');
    clock.advance(300);
    await settle();
  }
  assert.is(read(await loop).rcode, 'SERVFAIL');
  assert.ok(asked.length <= 1 + 8, `${asked.length} questions`);
});

test('questions on their way are bounded, and so are those who wait', async () => {
  const { resolver, asked, stop } = createWorld();
  const waiting = Array.from({ length: MAX_IN_FLIGHT }, (_, i) =>
    resolver.handle(query(`h${i}.example`), '10.0.0.2', 'udp'),
  );
  await settle();
  assert.is(read(await resolver.handle(query('more.example'), '10.0.0.2', 'udp')).rcode, 'SERVFAIL');
  assert.is(asked.length, MAX_IN_FLIGHT);
  const same = Array.from({ length: 2_000 }, (_, id) =>
    resolver.handle(query('h0.example', { id }), '10.0.0.2', 'udp'),
  );
  await settle();
  assert.ok(resolver.counts.overflow > 1_000);
  assert.equal(dataOf(await resolver.handle(query('seed.pcloud'), '10.0.0.2', 'udp')), ['10.0.0.1'], 'ours goes on');
  stop();
  assert.ok(
    (await Promise.all([...waiting, ...same])).every((each) => each === undefined || read(each).rcode === 'SERVFAIL'),
  );
});

test('an answer that is truncated, or longer than was asked for, is passed on as truncated', async () => {
  const { resolver, asked } = createWorld();
  for (const how of ['cut', 'long']) {
    const answer = resolver.handle(query(`${how}.example`), '10.0.0.2', 'udp');
    await settle();
    const { question, answer: give } = asked.at(-1)!;
    const answers = Array.from({ length: 60 }, (_, i) => ({
      name: 'a.example',
      type: 'A' as const,
      data: `10.0.0.${i}`,
    }));
    const whole = reply(question, { answers });
    if (how === 'cut') whole[2]! |= 2;
    give(how === 'cut' ? whole.subarray(0, 200) : whole);
    const { flag_tc, answers: left } = read(await answer) as DecodedPacket & { flag_tc: boolean };
    assert.ok(flag_tc, how);
    assert.equal(left, [], 'an address may be one of the mesh');
  }
});

test('an address that lies behind the end of its record is not passed on', async () => {
  const { resolver, asked } = createWorld();
  const answer = resolver.handle(query('example.com'), '10.0.0.2', 'udp');
  await settle();
  const { question, answer: give } = asked[0]!;
  const bytes = reply(question, pointing('10.0.0.1'));
  bytes.writeUInt16BE(0, bytes.length - 6);
  assert.equal(dataOf(bytes), ['10.0.0.1'], 'some read it so');
  give(bytes);
  assert.is(read(await answer).rcode, 'SERVFAIL');
});

test('whatever servers say, nothing throws, and no address of the mesh comes through', async () => {
  const { resolver, asked } = createWorld(['192.0.2.53']);
  const noise = fc.tuple(fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 5 }), fc.nat(20));
  await fc.assert(
    fc.asyncProperty(noise, async ([changes, cut]) => {
      const answer = resolver.handle(query('example.com'), '10.0.0.2', 'udp');
      await Promise.resolve();
      const { question, answer: give, fail } = asked.pop()!;
      const bytes = Buffer.from(reply(question, pointing('10.0.0.1')));
      for (const [at, value] of changes) if (at >= 12 + 17 && at < bytes.length) bytes[at] = value;
      give(bytes.subarray(0, bytes.length - Math.max(0, cut - 10)));
      fail();
      const isInside = (data: unknown): boolean => String(data).startsWith('10.0.');
      assert.not(readable(await answer).some(isInside));
    }),
    { numRuns: 1_000 },
  );
});

test('names and servers over real sockets: UDP, TCP in pieces, several at once, IPv4 and IPv6', async () => {
  const server = await startServer();
  const forwarder = createForwarder({
    servers: () => ['127.0.0.1'],
    clock: createFakeClock(),
    random: (out) => void crypto.getRandomValues(out),
    ask: createAskServer(server.port),
  });
  const host = { isOwn: () => true, goesOutside: () => false };
  const resolver = createResolver({ table: () => table, host, forwarder, forwards: () => true });
  const listeners = [await listenAnywhere('127.0.0.1', resolver), await listenAnywhere('::1', resolver)];
  try {
    for (const { address, port } of listeners) {
      assert.equal(dataOf(await askUdp(address, port, query('seed.pcloud'))), ['10.0.0.1']);
      assert.equal(dataOf(await askUdp(address, port, query('example.com'))), ['192.0.2.80']);
      const bytes = [query('seed.pcloud', { id: 1 }), query('example.com', { id: 2 })].map((each) => writeFrame(each));
      const answers = await askTcp(address, port, Buffer.concat(bytes), 2);
      const byId = new Map(answers.map((each) => [read(each).id, dataOf(each)]));
      assert.equal([byId.get(1), byId.get(2)], [['10.0.0.1'], ['192.0.2.81']]);
    }
    assert.equal(server.seen, ['udp', 'tcp', 'udp', 'tcp'], 'each as it came');
    const { address, port } = listeners[0]!;
    assert.equal(await askTcp(address, port, writeFrame(new Uint8Array(5)), 1), [], 'the connection ends');
  } finally {
    for (const listener of listeners) listener.close();
    server.close();
  }
});

test('class 11: a program that asks on and reads no answer is left, and others are answered', async () => {
  const resolver: Resolver = { counts: {} as Resolver['counts'], handle: async () => new Uint8Array(60_000) };
  const { address, port, close } = await listenAnywhere('127.0.0.1', resolver);
  const greedy = connect(port, address).pause();
  const isOver = new Promise<void>((resolve) => greedy.on('error', () => resolve()).once('close', () => resolve()));
  let isAsking = true;
  void isOver.then(() => {
    isAsking = false;
  });
  const questions = Buffer.concat(Array.from({ length: 100 }, () => Buffer.from(writeFrame(query('a.pcloud')))));
  for (let asked = 0; isAsking && asked < 200; asked++) {
    greedy.write(questions);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.is(isAsking, false, 'it was cut off');
  assert.is((await askTcp(address, port, writeFrame(query('a.pcloud')), 1)).length, 1);
  close();
});

test('a server that is not there is known for it at once', async () => {
  const closed = await startServer();
  closed.close();
  const ask = createAskServer(closed.port);
  for (const transport of ['udp', 'tcp'] as const) {
    const signal = AbortSignal.timeout(5_000);
    const error = await ask('127.0.0.1', query('a.b'), { transport, accepts: () => true, signal }).catch((e) => e);
    assert.is(error.code, 'ECONNREFUSED', transport);
  }
});

test('frames come out whole, however they come in', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 })),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      (messages, sizes) => {
        const stream = Buffer.concat(messages.map((each) => writeFrame(each)));
        const got: number[][] = [];
        const take = createFrameReader((message) => void got.push([...message]));
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length]!;
          take(stream.subarray(at, at + size));
          at += size;
        }
        assert.equal(
          got,
          messages.map((each) => [...each]),
        );
      },
    ),
  );
});

test('this machine is known by its addresses, and where packets go by its routes', () => {
  const machine = createFakeMachine();
  const clock = createFakeClock();
  machine.linkSet('pcloud0', { up: true });
  machine.addAddress('eth0', '10.0.0.77/24');
  machine.addRoute('eth0', '10.0.0.0/24');
  machine.addRoute('eth0', '0.0.0.0/0', '10.0.0.1');
  machine.addRoute('pcloud0', '10.0.0.3/32');
  const host = createOwnHost({ interfaceName: 'pcloud0', network: machine, clock });
  const outside = (text: string): boolean => host.goesOutside(parseAddress(text)!);
  assert.ok(host.isOwn('10.0.0.77') && host.isOwn('127.0.0.1') && host.isOwn('::1'));
  assert.not(host.isOwn('10.0.0.2'));
  machine.addAddress('pcloud0', '10.0.0.2/32');
  clock.advance(200);
  assert.ok(host.isOwn('10.0.0.2'), 'also one that is new');
  assert.ok(outside('10.0.0.9') && outside('10.0.0.77') && outside('10.0.9.9'));
  assert.not(outside('10.0.0.3'));
  assert.ok(host.overlaps({ address: parseAddress('10.0.0.0')!, length: 16 }));
  assert.not(host.overlaps({ address: parseAddress('10.1.0.0')!, length: 16 }));
  assert.is(formatAddress(parseAddress('fd00::1')!), 'fd00::1');
});

test('a hosts file names addresses by any of its names', () => {
  const text =
    '127.0.0.1 localhost\n192.0.2.7  Seed.Example.org seed # 192.0.2.8 x\n#192.0.2.9 seed\n::2 seed\nbad seed\n';
  assert.equal(hostsFileAddresses(text, 'SEED'), ['192.0.2.7', '::2']);
  assert.equal(hostsFileAddresses(text, 'seed.example.org.'), ['192.0.2.7']);
  assert.equal(hostsFileAddresses(text, 'x'), []);
});

/** The data that another implementation finds in an answer; none where it finds it broken. */
function readable(bytes: Uint8Array | undefined): unknown[] {
  try {
    return dataOf(bytes);
  } catch {
    return [];
  }
}

test('a coordinator is looked for at the servers of the machine, past our own resolver', async () => {
  const server = await startServer();
  const lookedUp: string[] = [];
  let servers: string[] | undefined = [`127.0.0.1:${server.port}`];
  const resolve = createOutsideHosts({
    servers: () => servers,
    async lookup(host) {
      lookedUp.push(host);
      return ['192.0.2.1'];
    },
    hostsFile: '/dev/null',
  });
  assert.ok((await resolve('example.com')).includes('192.0.2.80'));
  assert.equal(lookedUp, []);
  for (const host of ['seed', 'seed.local', '192.0.2.1']) await resolve(host);
  servers = undefined;
  await resolve('example.com');
  assert.equal(lookedUp, ['seed', 'seed.local', '192.0.2.1', 'example.com']);
  servers = [`127.0.0.1:${server.port}`];
  server.close();
  const error = await resolve('example.com').catch((e) => e);
  assert.is(error.code, 'ECONNREFUSED', 'so that addresses of before are taken');
});

interface TestServer {
  readonly port: number;
  readonly seen: string[];
  close(): void;
}

/** At a port that is free for UDP and for TCP. */
async function listenAnywhere(address: string, resolver: Resolver): Promise<Listener> {
  for (;;) {
    try {
      return await listenForNames(address, 0, resolver);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

/** Has both at one port of loopback: what is free for the one may be taken for the other. */
async function onOnePort(tcp: Server, udp: UdpSocket): Promise<number> {
  for (;;) {
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const { port } = tcp.address() as AddressInfo;
    const isBound = await new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false));
      udp.bind(port, '127.0.0.1', () => resolve(true));
    });
    if (isBound) return port;
    await new Promise<void>((resolve) => void tcp.close(() => resolve()));
  }
}

/** Says 192.0.2.80 over UDP, 192.0.2.81 over TCP, and something false before it. */
async function startServer(): Promise<TestServer> {
  const seen: string[] = [];
  const udp: UdpSocket = createSocket('udp4');
  udp.on('message', (message, from) => {
    seen.push('udp');
    const lie = reply(message, { id: (decode(message).id! + 1) & 0xffff, ...pointing('192.0.2.66') });
    for (const bytes of [lie, reply(message, pointing('192.0.2.80'))]) udp.send(bytes, from.port, from.address);
  });
  const sockets = new Set<Socket>();
  const tcp: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      seen.push('tcp');
      const { id, questions } = streamDecode(chunk);
      socket.write(streamEncode({ type: 'response', id: id!, questions: questions!, ...pointing('192.0.2.81') }));
    });
  });
  const port = await onOnePort(tcp, udp);
  return {
    port,
    seen,
    close() {
      udp.close();
      tcp.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function askUdp(address: string, port: number, question: Uint8Array): Promise<Uint8Array> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  return new Promise<Uint8Array>((resolve) => {
    socket.on('message', resolve);
    socket.send(question, port, address);
  }).finally(() => socket.close());
}

/** Sends a stream in two pieces and closes its side; resolves with what came until there were enough, or the end. */
function askTcp(address: string, port: number, stream: Uint8Array, enough: number): Promise<Uint8Array[]> {
  return new Promise((resolve) => {
    const answers: Uint8Array[] = [];
    const socket = connect({ host: address, port, allowHalfOpen: true }, () => {
      socket.write(stream.subarray(0, 3), () => setImmediate(() => socket.end(stream.subarray(3))));
    });
    const take = createFrameReader((answer) => answers.push(answer) === enough && socket.destroy());
    socket.on('data', take);
    socket.on('end', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(answers));
  });
}

test.run();
