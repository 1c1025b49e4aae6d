import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import { createEchoControl, createHttpRig, type Service, startService } from './http-rig.ts';

type EchoControl = ReturnType<typeof createEchoControl>;

async function withControl(
  run: (url: string, control: EchoControl, service: Service) => Promise<void>,
  options: Parameters<typeof startService>[2] = {},
): Promise<void> {
  const control = createEchoControl();
  const service = await startService(await createHttpRig(), control, options);
  try {
    await run(`wss://127.0.0.1:${service.service.ports[0]}`, control, service);
  } finally {
    await service.close();
  }
}

async function connect(url: string, headers: Record<string, string> = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, { rejectUnauthorized: false, headers });
  await once(socket, 'open');
  return socket;
}

/** The status with which an upgrade is refused. */
function refusal(url: string, options: WebSocket.ClientOptions = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { rejectUnauthorized: false, ...options });
    socket.on('open', () => reject(new Error('it was accepted')));
    socket.on('unexpected-response', (request, response) => {
      resolve(response.statusCode!);
      request.destroy();
    });
    socket.on('error', () => {});
  });
}

const closing = async (socket: WebSocket): Promise<number> => (await once(socket, 'close'))[0] as number;

test('frames pass both ways, with TLS and without', () =>
  withControl(async (url, control, { service }) => {
    for (const base of [url, `ws://127.0.0.1:${service.consolePort}`]) {
      const socket = await connect(`${base}/control`);
      socket.send(Buffer.alloc(65_535, 7));
      const [data, isBinary] = await once(socket, 'message');
      assert.equal([(data as Buffer).length, isBinary], [65_535, true]);
      socket.close();
      await closing(socket);
    }
    assert.equal(control.sources, ['127.0.0.1', '127.0.0.1']);
  }));

test('a frame longer than a Noise message ends its connection and reaches nobody', () =>
  withControl(async (url, control) => {
    const socket = await connect(`${url}/control`);
    socket.send(Buffer.alloc(65_536));
    assert.is(await closing(socket), 1009);
    assert.equal(control.frames, [-1]);
    assert.equal(control.faults, ['TOO_LARGE']);
  }));

test('text ends its connection and reaches nobody', () =>
  withControl(async (url, control) => {
    const socket = await connect(`${url}/control`);
    socket.send('hello');
    assert.is(await closing(socket), 1003);
    assert.equal(control.frames, [-1]);
    assert.equal(control.faults, ['TEXT']);
  }));

test('pings are answered, and cost no memory where nobody takes the answers', async () => {
  const echo = createEchoControl();
  let pendingBytes = (): number => 0;
  const control: EchoControl = {
    ...echo,
    accept(socket, source) {
      pendingBytes = () => socket.pendingBytes;
      return echo.accept(socket, source);
    },
  };
  const service = await startService(await createHttpRig(), control);
  const socket = await connect(`wss://127.0.0.1:${service.service.ports[0]}/control`);
  socket.ping('are you there');
  assert.is(String((await once(socket, 'pong'))[0]), 'are you there');
  socket.pause();
  // Many times what the buffers of the kernel hold on both ways.
  let most = 0;
  for (let sent = 0; sent < 40_000_000; sent += 131_000) {
    for (let each = 1; each < 1_000; each++) socket.ping(Buffer.alloc(125), true);
    await new Promise<void>((resolve) => socket.ping(Buffer.alloc(125), true, () => resolve()));
    most = Math.max(most, pendingBytes());
  }
  assert.ok(most > 65_536, `${most} bytes waited at most`);
  assert.ok(most < 200_000, `${most} bytes waited at most`);
  socket.terminate();
  await service.close();
});

test('what breaks the rules of WebSocket is counted, and ends its connection alone', () =>
  withControl(async (url, control) => {
    const other = await connect(`${url}/control`);
    const socket = await connect(`${url}/control`);
    // An opcode that is none.
    (socket as unknown as { _socket: Writable })._socket.write(Buffer.from([0x83, 0x80, 1, 2, 3, 4]));
    assert.is(await closing(socket), 1002);
    assert.equal(control.faults, ['MALFORMED']);
    other.send(Buffer.alloc(10));
    assert.is(((await once(other, 'message'))[0] as Buffer).length, 10);
    other.terminate();
  }));

test('only /control upgrades, and no page may make a browser do it', () =>
  withControl(async (url, control) => {
    assert.is(await refusal(`${url}/`), 404);
    assert.is(await refusal(`${url}/control/x`), 404);
    assert.is(await refusal(`${url}/api/v1/users.list`), 404);
    assert.is(await refusal(`${url}/control`, { origin: 'https://evil.example' }), 403);
    assert.is(await refusal(`${url}/control`, { origin: url.replace('wss', 'https') }), 403);
    assert.equal(control.sources, []);
  }));

test('X-Forwarded-For of a peer that is no proxy of ours is ignored', () =>
  withControl(async (url, control) => {
    const socket = await connect(`${url}/control`, { 'x-forwarded-for': '203.0.113.5' });
    assert.equal(control.sources, ['127.0.0.1']);
    socket.terminate();
  }));

test('of a trusted proxy’s X-Forwarded-For the last entry is believed, and only an address', () =>
  withControl(
    async (url, control) => {
      for (const value of [
        '203.0.113.5',
        '192.0.2.66, 203.0.113.5',
        '203.0.113.5, nonsense',
        '',
        '::ffff:203.0.113.5',
      ]) {
        (await connect(`${url}/control`, { 'x-forwarded-for': value })).terminate();
      }
      assert.equal(control.sources, ['203.0.113.5', '203.0.113.5', '127.0.0.1', '127.0.0.1', '203.0.113.5']);
    },
    { trustedProxies: ['127.0.0.0/8'] },
  ));

test('a source that connects too often is told to come later', async () => {
  const control = { ...createEchoControl(), accept: () => undefined };
  const service = await startService(await createHttpRig(), control);
  const socket = await connect(`wss://127.0.0.1:${service.service.ports[0]}/control`);
  assert.is(await closing(socket), 1013);
  await service.close();
});

test('closing the service ends the connections it has', async () => {
  const control = createEchoControl();
  const service = await startService(await createHttpRig(), control);
  const socket = await connect(`wss://127.0.0.1:${service.service.ports[0]}/control`);
  const closed = closing(socket);
  await service.close();
  assert.is(await closed, 1006);
});

test.run();
