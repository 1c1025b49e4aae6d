import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createEchoControl, createHttpRig, type HttpRig, type Service, startService } from './http-rig.ts';

async function withService(run: (rig: HttpRig, service: Service['service']) => Promise<void>): Promise<void> {
  const rig = await createHttpRig();
  const service = await startService(rig, createEchoControl());
  try {
    await run(rig, service.service);
  } finally {
    await service.close();
  }
}

/** Sends bytes and collects what comes back, until the other side closes. */
function talk(socket: Socket, said: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
    socket.write(said);
  });
}

const tls = (port: number): Socket => connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
const tcp = (port: number): Socket => connectTcp({ host: '127.0.0.1', port });

test('bytes that are no TLS are refused, counted, and close their connection', () =>
  withService(async ({ deps }, { ports }) => {
    for (const said of ['GET / HTTP/1.1\r\n\r\n', Buffer.alloc(500, 0xaa)]) await talk(tcp(ports[0]!), said);
    assert.equal(deps.refusals.counters(), { 'tls.HANDSHAKE_REFUSED': 2 });
  }));

test('what is no HTTP is answered by 400 and counted', () =>
  withService(async ({ deps }, { ports }) => {
    assert.match(await talk(tls(ports[0]!), 'hello\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.equal(deps.refusals.counters(), { 'http.MALFORMED': 1 });
  }));

test('headers without end are answered by 431 and counted', () =>
  withService(async ({ deps }, { ports }) => {
    const said = `GET /healthz HTTP/1.1\r\nhost: x\r\n${'x-flood: 0123456789\r\n'.repeat(1_000)}`;
    assert.match(await talk(tls(ports[0]!), said), /^HTTP\/1\.1 431 /);
    assert.equal(deps.refusals.counters(), { 'http.HEADERS_TOO_LARGE': 1 });
  }));

test('an upgrade that is no WebSocket, or elsewhere, is answered, counted, and closed from here', () =>
  withService(async ({ deps }, { ports }) => {
    const upgrade = 'host: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n';
    const broken = await talk(tls(ports[0]!), `GET /control HTTP/1.1\r\n${upgrade}sec-websocket-key: short\r\n\r\n`);
    assert.match(broken, /^HTTP\/1\.1 400 /);
    // It keeps its own half open, and learns that there is nobody only by sending.
    const half = { host: '127.0.0.1', port: ports[0]!, rejectUnauthorized: false, allowHalfOpen: true };
    const elsewhere = connectTls(half);
    elsewhere.once('end', () => {
      const timer = setInterval(() => elsewhere.write('x'), 5);
      elsewhere.once('close', () => clearInterval(timer));
    });
    assert.match(await talk(elsewhere, `GET /shell HTTP/1.1\r\n${upgrade}\r\n`), /^HTTP\/1\.1 404 /);
    assert.equal(deps.refusals.counters(), { 'http.MALFORMED': 1, 'http.ROUTE_UNKNOWN': 1 });
  }));

test('a request that is refused is counted by the code it is answered with', async () => {
  const { app, deps } = await createHttpRig();
  const connection = { listener: 'network', isEncrypted: true, isForwarded: false, source: '198.51.100.7' } as const;
  const ends = { localAddress: '127.0.0.1', remoteAddress: '127.0.0.1' };
  for (const path of ['/nowhere', '/nowhere', '/api/v1/session']) {
    await app.request(
      `https://127.0.0.1${path}`,
      { headers: { host: '127.0.0.1' } },
      { connection: { ...connection, ...ends } },
    );
  }
  assert.equal(deps.refusals.counters(), { 'http.ROUTE_UNKNOWN': 2, 'http.UNAUTHENTICATED': 1 });
});

test.run();
