import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askCoordinator } from '@pcloud/coordinator';
import type { DaemonFigures } from '@pcloud/daemon';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type MetricsSources, serveMetrics } from '../src/metrics/serve-metrics.ts';
import { formatListen, parseLocalListen } from '../src/settings/parse.ts';
import { startLoopback } from './loopback-coordinator.ts';

type Source<K extends keyof MetricsSources> = NonNullable<MetricsSources[K]>;

const HERE = { address: '127.0.0.1', port: 0 };
const _silent = { debug() {}, info() {}, warn() {}, error() {} };
const FIGURES: DaemonFigures = {
  state: 'up',
  connected: true,
  map: { epoch: 1, revision: 7 },
  peers: { connected: 2, idle: 1 },
  online: 2,
  events: { 'handshake-complete': 5 },
  rxBytes: 1_000,
  txBytes: 2_000,
  device: { 'bad-tag-dropped': 3, 'initiations-sent': 4 },
  filter: { 'policy-dropped': 6, 'flows-opened': 8 },
  system: { 'sendmsg-EPERM': 1 },
  names: { answered: 9 },
};

async function withPort(sources: MetricsSources, act: (get: (path: string) => Promise<Response>) => Promise<void>) {
  const { port, close } = await serveMetrics(HERE, sources);
  try {
    await act((path) => fetch(`http://127.0.0.1:${port}${path}`));
  } finally {
    await close();
  }
}

/** By series, as `name{label="value"}`. */
async function series(get: (path: string) => Promise<Response>): Promise<Map<string, number>> {
  const text = await (await get('/metrics')).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

test('a coordinator tells how many there are, what it did and how long commits take, and nobody’s name', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-metrics-'));
  const coordinator = await startLoopback(join(directory, 'state'), directory);
  try {
    const ask = (operation: string, input: object) =>
      askCoordinator(directory, operation, input).catch(() => undefined);
    await ask('users.add', { name: 'zelda', role: 'owner', password: 'a password of many words' });
    await ask('users.add', { name: 'zelda', role: 'owner', password: 'a password of many words' });
    await ask('made.up', {});
    await withPort({ coordinator }, async (get) => {
      const found = await series(get);
      const value = (name: string): number | undefined => found.get(`pcloud_coordinator_${name}`);
      assert.is(value('nodes'), 0);
      assert.is(value('operations_total{operation="users.add",code="OK"}'), 1);
      assert.is(value('operations_total{operation="users.add",code="NAME_TAKEN"}'), 1);
      assert.is(value('operations_total{operation="unknown",code="OPERATION_UNKNOWN"}'), 1);
      const commits = value('store_commits_total{outcome="committed"}')!;
      assert.ok(commits >= 2);
      assert.is(value('store_commit_seconds_count'), commits);
      assert.is(value('store_commit_seconds_bucket{le="+Inf"}'), commits);
      assert.ok(value('store_commit_seconds_sum')! > 0);
      assert.is(value('audit_entries_total'), 1);
      assert.is(found.get('pcloud_healthy'), 1);
      const text = await (await get('/metrics')).text();
      assert.match(text, '# TYPE pcloud_coordinator_store_commit_seconds histogram\n');
      assert.match(text, '# TYPE pcloud_coordinator_operations_total counter\n');
      assert.not.match(text, 'zelda');
      assert.not.match(text, '192.0.2.1');
      const health = await get('/healthz');
      assert.is(health.status, 200);
      const { until, ...certificate } = ((await health.json()) as { certificate: { until: string } }).certificate;
      assert.equal(certificate, { state: 'ok', trusted: false });
      assert.ok(Date.parse(until) > Date.now());
    });
  } finally {
    await coordinator.close();
    rmSync(directory, { recursive: true });
  }
});

test('a daemon tells of peers by reason, traffic, drops, its filter, its map and its channel', () =>
  withPort({ daemon: { figures: () => FIGURES } }, async (get) => {
    const found = await series(get);
    const own = [...found].filter(([name]) => name.startsWith('pcloud_daemon_'));
    assert.equal(Object.fromEntries(own.map(([name, value]) => [name.slice('pcloud_daemon_'.length), value])), {
      up: 1,
      coordinator_connected: 1,
      map_epoch: 1,
      map_revision: 7,
      'peers{reason="connected"}': 2,
      'peers{reason="idle"}': 1,
      peers_online: 2,
      'handshakes_total{event="handshake-complete"}': 5,
      received_bytes_total: 1_000,
      sent_bytes_total: 2_000,
      'drops_total{reason="bad-tag"}': 3,
      'packets_total{kind="initiations-sent"}': 4,
      'filter_drops_total{reason="policy"}': 6,
      'filter_flows_total{event="flows-opened"}': 8,
      'system_faults_total{fault="sendmsg-EPERM"}': 1,
      'names_total{outcome="answered"}': 9,
    });
    // Read again, what was counted elsewhere is what it is.
    assert.is((await series(get)).get('pcloud_daemon_received_bytes_total'), 1_000);
    assert.equal(await (await get('/healthz')).json(), { status: 'ok', device: 'up', coordinator: 'connected' });
  }));

for (const [what, health, part] of [
  ['a store that does not answer', { storeFault: 'the disk is full', untilMs: Infinity }, 'store'],
  ['a certificate that has expired', { storeFault: undefined, untilMs: 0 }, 'certificate'],
] as const) {
  test(`${what} is not well`, () => {
    const certificate = { isTrusted: true, untilMs: Math.min(health.untilMs, 4e12) };
    const coordinator = {
      figures: () => {
        throw new Error('not asked for');
      },
      health: async () => ({ storeFault: health.storeFault, certificate }),
    } as Source<'coordinator'>;
    return withPort({ coordinator }, async (get) => {
      const response = await get('/healthz');
      assert.is(response.status, 503);
      const body = (await response.json()) as Record<string, unknown>;
      assert.is(body.status, 'failing');
      assert.match(JSON.stringify(body[part]), /full|expired/);
      // A fault of one part of the program is one of a scrape, and not of the process.
      assert.is((await get('/metrics')).status, 500);
    });
  });
}

test('there is nothing else at the port, and nothing to change', () =>
  withPort({ daemon: { figures: () => FIGURES } }, async (get) => {
    assert.is((await get('/')).status, 404);
    assert.is((await get('/metrics/../api/v1/users.list')).status, 404);
    const { port, close } = await serveMetrics(HERE, {});
    assert.is((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })).status, 405);
    await close();
  }));

test('a place that somebody has is named with its flag', async () => {
  const first = await serveMetrics(HERE, {});
  const failure = await serveMetrics({ ...HERE, port: first.port }, {}).catch((error: Error) => error);
  assert.match((failure as Error).message, /^--metrics: 127\.0\.0\.1 port \d+: in use by another program$/);
  await first.close();
});

test('a port alone is one of loopback; another address has to be named', () => {
  assert.equal(parseLocalListen('9100'), { address: '127.0.0.1', port: 9_100 });
  assert.equal(parseLocalListen('0.0.0.0:9100'), { address: '0.0.0.0', port: 9_100 });
  assert.is(formatListen(parseLocalListen('[::1]:9100')), '[::1]:9100');
  assert.throws(() => parseLocalListen('0'));
  assert.throws(() => parseLocalListen('localhost:9100'));
});

test.run();
