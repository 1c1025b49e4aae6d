/** A port for who watches this machine: `/metrics` in Prometheus' text, `/healthz` in JSON. It changes nothing. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RunningCoordinator } from '@pcloud/coordinator';
import type { MeshDaemon } from '@pcloud/daemon';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { CliError } from '../exit.ts';
import type { ListenAddress } from '../settings/parse.ts';
import { VERSION } from '../version.ts';
import { addCoordinatorMetrics } from './coordinator-metrics.ts';
import { addDaemonMetrics } from './daemon-metrics.ts';
import { createFamilies, one } from './families.ts';
import { readHealth } from './health.ts';

export interface MetricsSources {
  readonly coordinator?: Pick<RunningCoordinator, 'figures' | 'health'> | undefined;
  readonly daemon?: Pick<MeshDaemon, 'figures'> | undefined;
}

export interface MetricsPort {
  /** As bound. */
  readonly port: number;
  close(): Promise<void>;
}

/** @throws CliError failed when the place cannot be had */
export async function serveMetrics(place: ListenAddress, sources: MetricsSources): Promise<MetricsPort> {
  const registry = new Registry();
  const families = createFamilies(registry);
  collectDefaultMetrics({ register: registry });
  families.gauge('pcloud_info', 'The program', ['version'], () => [[{ version: VERSION }, 1]]);
  if (sources.coordinator) addCoordinatorMetrics(families, sources.coordinator);
  if (sources.daemon) addDaemonMetrics(families, sources.daemon);
  let wasWell = true;
  families.gauge('pcloud_healthy', 'Whether /healthz says so', [], () => one(wasWell ? 1 : 0));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'text/plain', 'GET only\n');
    const { isWell, parts } = await readHealth(sources, Date.now());
    wasWell = isWell;
    if (pathname === '/healthz') {
      const body = JSON.stringify({ status: isWell ? 'ok' : 'failing', ...parts });
      return send(response, isWell ? 200 : 503, 'application/json', `${body}\n`);
    }
    if (pathname !== '/metrics') return send(response, 404, 'text/plain', 'there are /metrics and /healthz\n');
    return send(response, 200, registry.contentType, await registry.metrics());
  }

  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    answer(request, response).catch(() => send(response, 500, 'text/plain', 'it failed\n'));
  });
  server.maxConnections = 32;
  await listen(server, place);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}

function listen(server: Server, { address, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'in use by another program' : error.message;
      reject(new CliError('failed', `--metrics: ${address} port ${port}: ${why}`, { cause: error }));
    });
    server.listen({ host: address, port }, () => {
      server.removeAllListeners('error');
      server.on('error', () => {});
      resolve();
    });
  });
}
