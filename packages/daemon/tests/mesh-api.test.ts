import { statSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { formatJoinLink, parseNetworkId, writeMapMessage } from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { askDaemon, followDaemon } from '../src/mesh/api/client.ts';
import { createRoutes } from '../src/mesh/api/routes.ts';
import type { MeshEvent } from '../src/mesh/events.ts';
import type { MeshCore } from '../src/mesh/mesh-core.ts';
import type { MeshDaemon } from '../src/mesh/start.ts';
import { statusAtRest } from '../src/mesh/status-at-rest.ts';
import { createFakeClock, type FakeClock } from '../src/testing/fake-clock.ts';
import {
  address6,
  admitWith,
  createFakeControl,
  createMap,
  createNode,
  type FakeControl,
  settle,
} from '../src/testing/fake-control.ts';
import { createMeshRig, type MeshRig } from '../src/testing/mesh-rig.ts';

interface Scene {
  readonly clock: FakeClock;
  readonly control: FakeControl;
  readonly rig: MeshRig;
  readonly daemon: MeshDaemon;
  /** Whom the daemon takes callers for. */
  user: number;
  get(path: string): Promise<unknown>;
  post(path: string, input?: unknown): Promise<unknown>;
}

async function withDaemon(act: (scene: Scene) => Promise<void>): Promise<void> {
  const clock = createFakeClock();
  const control = createFakeControl();
  const rig = createMeshRig({ clock, control });
  admitWith(control, (nodeKey) =>
    createMap(control, [createNode(1, nodeKey), createNode(2, new Uint8Array(32).fill(2), { role: 'server' })]),
  );
  rig.seams.userOf = () => scene.user;
  const daemon = await rig.start();
  const directory = join(rig.directory, 'run');
  const scene: Scene = {
    clock,
    control,
    rig,
    daemon,
    user: 0,
    get: (path) => askDaemon(directory, { method: 'GET', path }),
    post: (path, input = {}) => askDaemon(directory, { method: 'POST', path, input }),
  };
  try {
    await act(scene);
  } finally {
    await rig.clean();
  }
}

function linkOf(control: FakeControl): string {
  return formatJoinLink({
    urls: [control.url],
    networkId: parseNetworkId(control.networkId)!,
    channelKey: Buffer.from(control.channelKey, 'base64'),
    token: 'secret',
  });
}

async function refusal(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}

test('up with a link joins, and without one answers what there is', () =>
  withDaemon(async ({ control, post }) => {
    assert.is(await refusal(post('/up')), 'NOT_A_MEMBER');
    const joined = { kind: 'joined', name: 'node-1', addresses: ['10.0.0.1', address6(1)] };
    assert.equal(await post('/up', { link: `  ${linkOf(control)}\n` }), joined);
    assert.equal(await post('/up'), joined);
  }));

test('a link that was cut short says so, and a word that is no link too', () =>
  withDaemon(async ({ control, post, daemon }) => {
    assert.is(await refusal(post('/up', { link: linkOf(control).slice(0, -3) })), 'LINK_INVALID');
    assert.is(await refusal(post('/up', { link: 'hello' })), 'LINK_INVALID');
    assert.is(daemon.status().state, 'none');
  }));

test('status has what scripts rely on', () =>
  withDaemon(async ({ control, get, post }) => {
    await post('/up', { target: control.target('t') });
    const status = (await get('/status')) as Record<string, Record<string, unknown> & Record<string, unknown>[]>;
    assert.equal(status.self, { name: 'node-1', addresses: ['10.0.0.1', address6(1)] });
    assert.is(status.coordinator!.connected, true);
    const keys = ['name', 'addresses', 'online', 'path', 'endpoint', 'latencyMs', 'rxBytes', 'txBytes', 'reason'];
    for (const key of keys) assert.ok(key in status.peers![0]!, key);
  }));

test('who is not root may look and not touch', () =>
  withDaemon(async (scene) => {
    const { control, get, post, daemon } = scene;
    await post('/up', { target: control.target('t') });
    scene.user = 1_000;
    for (const path of ['/up', '/down', '/logout', '/endpoint', '/operation']) {
      assert.is(await refusal(post(path)), 'FORBIDDEN', path);
    }
    assert.is(daemon.status().state, 'up');
    await get('/status');
    assert.equal(((await post('/whois', { node: '10.0.0.2' })) as { name: string }).name, 'node-2');
    await post('/ping', { node: 'node-2' });
  }));

test('the socket is open to all only where callers can be told from each other', () =>
  withDaemon(async ({ rig, daemon }) => {
    const path = join(rig.directory, 'run', 'daemon.sock');
    assert.is(statSync(path).mode & 0o777, 0o666);
    await daemon.close({ keepInterface: false });
    rig.seams.userOf = undefined;
    await rig.start();
    assert.is(statSync(path).mode & 0o777, 0o600);
  }));

test('a node is found by name, name with domain, and either address', () =>
  withDaemon(async ({ control, post }) => {
    assert.is(await refusal(post('/whois', { node: 'node-2' })), 'NOT_A_MEMBER');
    await post('/up', { target: control.target('t') });
    for (const node of [
      'node-2',
      'NODE-2.pcloud',
      'node-2.pcloud.',
      '10.0.0.2',
      address6(2),
      address6(2).replace('::', ':0::'),
    ]) {
      assert.is(((await post('/whois', { node })) as { id: string }).id, 'n2', node);
    }
    assert.is(((await post('/whois', { node: 'node-1' })) as { id: string }).id, 'n1');
    assert.is(await refusal(post('/whois', { node: 'nobody' })), 'UNKNOWN_NODE');
  }));

test('a ping answers with the way it took, or says why there is none', () =>
  withDaemon(async ({ control, post, rig, daemon }) => {
    await post('/up', { target: control.target('t') });
    assert.equal(await post('/ping', { node: 'node-2' }), {
      name: 'node-2',
      address: '10.0.0.2',
      latencyMs: 1.5,
      path: 'none',
      endpoint: null,
    });
    await daemon.close({ keepInterface: true });
    rig.seams.probe = () => Promise.reject(new Error('EHOSTUNREACH'));
    await rig.start();
    assert.is(await refusal(post('/ping', { node: 'node-2' })), 'NO_ANSWER');
  }));

test('an operation goes through the channel and comes back, with the words of the coordinator where it fails', () =>
  withDaemon(async ({ control, post }) => {
    assert.is(await refusal(post('/operation', { operation: 'nodes.list' })), 'NOT_CONNECTED');
    await post('/up', { target: control.target('t') });
    const [session] = control.sessions;
    const answer = async (act: (id: number) => void): Promise<void> => {
      for (;;) {
        const request = session!.received.findLast(({ kind }) => kind === 'request');
        if (request?.kind === 'request' && !answered.has(request.id)) {
          answered.add(request.id);
          assert.is(request.operation, 'nodes.list');
          act(request.id);
          return;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const answered = new Set<number>();
    const good = post('/operation', { operation: 'nodes.list', input: { all: true } });
    await answer((id) => session!.send({ kind: 'response', id, result: [1, 2] }));
    assert.equal(await good, { result: [1, 2] });
    const bad = refusal(post('/operation', { operation: 'nodes.list' }));
    await answer((id) => session!.send({ kind: 'failure', id, code: 'NOT_ALLOWED', message: 'no' }));
    assert.is(await bad, 'NOT_ALLOWED');
    const lost = refusal(post('/operation', { operation: 'nodes.list' }));
    await answer(() => session!.close());
    assert.is(await lost, 'NOT_CONNECTED');
  }));

test('an endpoint that a person names is tried at once', () =>
  withDaemon(async ({ control, post, rig }) => {
    await post('/up', { target: control.target('t') });
    assert.is(await refusal(post('/endpoint', { node: 'node-2', endpoint: 'there' })), 'BAD_OPTION');
    assert.is(await refusal(post('/endpoint', { node: 'node-1', endpoint: '203.0.113.9:1' })), 'BAD_OPTION');
    await post('/endpoint', { node: 'node-2', endpoint: '203.0.113.9:1' });
    assert.is(rig.hands().bind.sent.at(-1)?.to, '203.0.113.9:1', 'the keepalive to a server starts a handshake');
  }));

test('waiting ends in time, and as soon as what is waited for is so', () =>
  withDaemon(async ({ clock, control, post }) => {
    const early = refusal(post('/wait', { for: 'joined', timeoutMs: 5_000 }));
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(5_000);
    assert.is(await early, 'TIMED_OUT');
    const joined = post('/wait', { for: 'joined' });
    const connected = post('/wait', { for: 'connected' });
    await post('/up', { target: control.target('t') });
    assert.is(((await joined) as { kind: string }).kind, 'joined');
    assert.equal(await connected, { connected: true });
  }));

test('a node can be waited for that has not joined yet', () =>
  withDaemon(async ({ clock, control, post }) => {
    await post('/up', { target: control.target('t') });
    let isAnswered = false;
    const waiting = post('/wait', { for: 'peer', node: 'node-3' }).then((answer) => {
      isAnswered = true;
      return answer as { name: string };
    });
    for (let i = 0; i < 5; i++) {
      await settle();
      clock.advance(500);
    }
    assert.not(isAnswered);
    const key = new Uint8Array(32).fill(3);
    const own = createNode(1, Buffer.from(joinOf(control).nodeKey, 'base64'));
    control.sessions[0]!.send(writeMapMessage(createMap(control, [own, createNode(3, key)], { revision: 2 })));
    for (let i = 0; i < 5 && !isAnswered; i++) {
      await settle();
      clock.advance(500);
    }
    assert.is((await waiting).name, 'node-3');
  }));

function joinOf(control: FakeControl): { readonly nodeKey: string } {
  const join = control.sessions[0]!.received.find((message) => message.kind === 'join');
  if (join?.kind !== 'join') throw new Error('nobody joined');
  return join;
}

test('events are told as they happen', () =>
  withDaemon(async ({ control, post, rig }) => {
    const ending = new AbortController();
    const seen: MeshEvent[] = [];
    const following = (async () => {
      for await (const event of followDaemon(join(rig.directory, 'run'), ending.signal)) {
        seen.push(event);
        if (event.event === 'map') return;
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await post('/up', { target: control.target('t') });
    await following;
    ending.abort();
    assert.equal(
      seen.map(({ event }) => event),
      ['state', 'coordinator', 'state', 'map'],
    );
  }));

test('bad requests are turned away one by one', () =>
  withDaemon(async ({ get, post }) => {
    assert.is(await refusal(get('/nothing')), 'NOT_FOUND');
    assert.is(await refusal(post('/status')), 'NOT_FOUND');
    assert.is(await refusal(post('/wait', { for: 'rain' })), 'BAD_OPTION');
    assert.is(await refusal(post('/up', { link: 'x'.repeat(2_000_000) })), 'BAD_OPTION');
    assert.is(await refusal(post('/up', { target: { urls: [] } })), 'BAD_OPTION');
  }));

test('class 7: every route of the local API is closed to others than root, or is known to change nothing', () =>
  withDaemon(async (scene) => {
    const { control, post, get, daemon, rig } = scene;
    await post('/up', { target: control.target('t') });
    const open = ['GET /status', 'POST /wait', 'POST /ping', 'POST /whois'];
    const seams = { probe: async () => 1, clock: scene.clock };
    const routes = createRoutes({} as MeshCore, seams, undefined);
    assert.equal(
      [...routes].filter(([, route]) => route.open).map(([name]) => name),
      open,
    );
    scene.user = 1_000;
    for (const [name, route] of routes) {
      const [method, path] = name.split(' ') as ['GET' | 'POST', string];
      const asked = method === 'GET' ? get(path) : post(path, { node: 'node-2', for: 'joined' });
      assert.is((await refusal(asked)) === 'FORBIDDEN', !route.open, name);
    }
    assert.is(daemon.status().state, 'up');
    // Nor is a browser let in, whoever's it is.
    scene.user = 0;
    for (const name of [...routes.keys(), 'GET /events']) {
      const [method, path] = name.split(' ') as [string, string];
      assert.is(await statusOf(rig, method, path, { origin: 'http://127.0.0.1' }), 403, name);
    }
  }));

test('class 7: others than root can take neither all connections nor many answers on one', () =>
  withDaemon(async (scene) => {
    const { control, post, get, rig } = scene;
    await post('/up', { target: control.target('t') });
    scene.user = 1_000;
    const path = join(rig.directory, 'run', 'daemon.sock');
    const guests = Array.from({ length: 100 }, () => connect(path));
    const ended = guests.map((guest) => new Promise((resolve) => guest.on('error', resolve).once('close', resolve)));
    await Promise.race(ended);
    scene.user = 0;
    await get('/status');
    for (const guest of guests) guest.destroy();
    await Promise.all(ended);
    await settle();

    scene.user = 1_000;
    const greedy = connect(path).on('error', () => {});
    let isOpen = true;
    greedy.once('close', () => {
      isOpen = false;
    });
    const waiting = JSON.stringify({ for: 'peer', node: 'nobody', timeoutMs: 86_400_000 });
    const one = `POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: ${waiting.length}\r\n\r\n${waiting}`;
    const timers = scene.clock.pending;
    greedy.write(one.repeat(200));
    for (let i = 0; i < 50; i++) await settle();
    const added = scene.clock.pending - timers;
    assert.ok(isOpen && added > 0 && added <= 3, `${added} timers of a connection that is open: ${isOpen}`);
    greedy.destroy();
  }));

function statusOf(rig: MeshRig, method: string, path: string, headers: Record<string, string>): Promise<number> {
  const socketPath = join(rig.directory, 'run', 'daemon.sock');
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, method, path, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    asking.on('error', reject);
    asking.end();
  });
}

test('without a daemon the error says how to start one', async () => {
  assert.is(await refusal(askDaemon('/nowhere', { method: 'GET', path: '/status' })), 'NOT_RUNNING');
});

test('a daemon that is there for up alone is dismissed by down, once that is answered', async () => {
  const control = createFakeControl();
  const rig = createMeshRig({ clock: createFakeClock(), control });
  admitWith(control, (nodeKey) => createMap(control, [createNode(1, nodeKey)]));
  rig.seams.userOf = () => 0;
  try {
    const daemon = await rig.start({ endsWhenDown: true });
    await daemon.join(control.target('t'));
    let isDismissed = false;
    void daemon.dismissed.then(() => {
      isDismissed = true;
    });
    await daemon.down();
    await daemon.up();
    assert.not.ok(isDismissed, 'nobody was answered');
    const directory = join(rig.directory, 'run');
    const stateDir = join(rig.directory, 'state');
    const options = { stateDir, interfaceName: 'pcloud0', version: '1' };
    assert.is(statusAtRest(options), undefined, 'it is to be up');
    const answer = await askDaemon(directory, { method: 'POST', path: '/down', input: {} });
    assert.equal(answer, { endingPid: process.pid });
    await daemon.dismissed;
    await daemon.close({ keepInterface: false });
    const atRest = statusAtRest(options);
    assert.is(atRest?.state, 'down');
    assert.equal(atRest?.self, { name: 'node-1', addresses: ['10.0.0.1', address6(1)] });
  } finally {
    await rig.clean();
  }
});

test('a daemon of a service manager stays when it is told down', () =>
  withDaemon(async ({ control, daemon, post }) => {
    await daemon.join(control.target('t'));
    assert.equal(await post('/down'), { endingPid: null });
    assert.is(daemon.status().state, 'down');
  }));

test.run();
