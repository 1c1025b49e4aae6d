/** Who watches a seed and a device finds numbers at a port of loopback, and nobody else finds the port. */
import { execPath } from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, ping, waitFor } from '../lab/index.ts';
import { createMeshNetwork, PCLOUD, startSeed, up } from './lib/network.ts';

const network = await createMeshNetwork();
const { lab, router, seed, clients } = network;
const first = clients[0] as Host;
const LIMIT_MS = 30_000;
const HOLDER = 'require("node:net").createServer().listen(9100, "127.0.0.1")';
const { process, ready } = await startSeed(network, ['--metrics', '9100']);
await up(first, ready.joinLink, '--metrics', '9100');

async function get(host: Host, path: string): Promise<string> {
  return (await host.run(['curl', '--silent', '--fail', '--max-time', '5', `http://127.0.0.1:9100${path}`])).stdout;
}

/** Without it, 0. */
async function figure(host: Host, series: string): Promise<number> {
  const line = (await get(host, '/metrics')).split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length) ?? 0);
}

test('a seed tells of its coordinator and of its own device', async () => {
  assert.is(await figure(seed, 'pcloud_coordinator_nodes'), 2);
  assert.is(await figure(seed, 'pcloud_coordinator_joins_total'), 2);
  assert.ok((await figure(seed, 'pcloud_coordinator_messages_sent_total{kind="map"}')) >= 2);
  assert.is(await figure(seed, 'pcloud_daemon_up'), 1);
  const health = JSON.parse(await get(seed, '/healthz'));
  assert.equal([health.status, health.store, health.certificate.state, health.device], ['ok', 'ok', 'ok', 'up']);
});

test('a daemon in the background has the port that "up" was given, and counts what goes through its tunnel', async () => {
  assert.is(await figure(first, 'pcloud_daemon_coordinator_connected'), 1);
  await waitFor('an answer', async () => (await ping(first, '10.0.0.1')).received > 0, LIMIT_MS);
  assert.ok((await figure(first, 'pcloud_daemon_received_bytes_total')) > 100);
  assert.ok((await figure(first, 'pcloud_daemon_handshakes_total{event="handshake-complete"}')) >= 1);
  assert.is(await figure(first, 'pcloud_daemon_peers{reason="connected"}'), 1);
});

test('no name of a device and no address is told, and no other host gets to the port', async () => {
  for (const host of [seed, first]) {
    assert.not.match(await get(host, '/metrics'), /\b(?:seed|first)\b|\b(?:10\.0\.0|192\.0\.2|198\.51\.100)\.\d/);
  }
  const outside = await router.run(['curl', '--silent', '--max-time', '5', 'http://192.0.2.10:9100/metrics']).then(
    () => 'answered',
    () => 'refused',
  );
  assert.is(outside, 'refused');
});

test('a daemon whose port somebody has says so, and does not stay', async () => {
  await first.run([PCLOUD, 'down']);
  const holder = first.spawn([execPath, '-e', HOLDER]);
  await waitFor('the port to be held', async () => (await first.run('ss -ltn')).stdout.includes(':9100'), LIMIT_MS);
  const failure = await first.run([PCLOUD, 'up', '--metrics', '9100']).then(
    () => '',
    (error: Error) => error.message,
  );
  assert.match(failure, '--metrics: 127.0.0.1 port 9100: in use by another program');
  await holder.stop('SIGKILL', 5_000);
});

test.after(async () => {
  await process.stop('SIGINT', 10_000);
  await lab.close();
});

test.run();
