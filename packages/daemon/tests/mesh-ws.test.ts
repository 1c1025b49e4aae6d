import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createRememberingResolver } from '../src/mesh/control/remembering-resolver.ts';
import { createWsConnect } from '../src/mesh/control/ws-transport.ts';
import { createFakeClock } from '../src/testing/fake-clock.ts';
import { admitWith, createFakeControl, createMap, createNode } from '../src/testing/fake-control.ts';
import { createMeshRig } from '../src/testing/mesh-rig.ts';
import { serveControl } from '../src/testing/serve-control.ts';

test('a device joins through TLS with a certificate that nobody knows, the host resolved by us', async () => {
  const control = createFakeControl();
  admitWith(control, (nodeKey) => createMap(control, [createNode(1, nodeKey)]));
  const served = await serveControl(control, 0, '127.0.0.1');
  const rig = createMeshRig({ clock: createFakeClock(), control });
  const asked: string[] = [];
  rig.seams.createConnect = (memory) =>
    createWsConnect({
      resolve: createRememberingResolver(async (host) => {
        asked.push(host);
        return ['127.0.0.1'];
      }, memory),
    });
  try {
    const daemon = await rig.start();
    const outcome = await daemon.join({
      ...control.target('t'),
      urls: [`https://coordinator.invalid:${served.port}`],
    });
    assert.is(outcome.kind, 'joined');
    assert.equal(asked, ['coordinator.invalid']);
    assert.ok(daemon.status().coordinator.connected);
  } finally {
    await rig.clean();
    await served.close();
  }
});

test('a server that closes tells why there is no channel', async () => {
  const control = createFakeControl();
  const served = await serveControl(control, 0, '127.0.0.1');
  const connect = createWsConnect({ resolve: async () => ['127.0.0.1'] });
  const { signal } = new AbortController();
  const transport = await connect(`https://127.0.0.1:${served.port}`, { signal });
  assert.is(transport.remoteAddress, '127.0.0.1');
  const closed = new Promise<string>((resolve) => transport.listen({ frame() {}, closed: resolve }));
  await served.close();
  assert.match(await closed, 'closed the connection');
});

test('a web server of somebody else, one without TLS and a closed port are told apart', async () => {
  const connect = createWsConnect({ resolve: async () => ['127.0.0.1'] });
  const failure = async (url: string): Promise<string> => {
    try {
      (await connect(url, { signal: new AbortController().signal })).close();
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('it was taken for a server of the network');
  };
  const web = createHttpServer((_request, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const { port } = web.address() as { port: number };
  assert.match(await failure(`http://127.0.0.1:${port}`), 'answers 404 instead of taking nodes');
  assert.is(await failure(`https://127.0.0.1:${port}`), 'what is there speaks no TLS');
  await new Promise((resolve) => web.close(resolve));
  assert.match(await failure(`https://127.0.0.1:${port}`), 'ECONNREFUSED');
});

test('a connection that is given up ends at once', async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  const giving = new AbortController();
  const connect = createWsConnect({ resolve: async () => ['127.0.0.1'] });
  const startedAt = performance.now();
  const asked = connect(`https://127.0.0.1:${port}`, { signal: giving.signal });
  setTimeout(() => giving.abort(new Error('given up')), 20);
  try {
    await asked;
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, 'given up');
  }
  assert.ok(performance.now() - startedAt < 5_000);
  silent.close();
});

test('a host is found where it was last while no resolver answers', async () => {
  const memory = new Map<string, readonly string[]>();
  let works = true;
  const resolve = createRememberingResolver(
    async () => {
      if (!works) throw new Error('EAI_AGAIN');
      return ['192.0.2.1'];
    },
    { load: (host) => memory.get(host) ?? [], save: (host, addresses) => void memory.set(host, addresses) },
  );
  assert.equal(await resolve('a.example'), ['192.0.2.1']);
  works = false;
  assert.equal(await resolve('a.example'), ['192.0.2.1']);
  try {
    await resolve('b.example');
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, 'EAI_AGAIN');
  }
});

test.run();
