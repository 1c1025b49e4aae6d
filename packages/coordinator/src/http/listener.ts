/** One TCP port that HTTP is served on. */
import { createServer as createPlainServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server as PortHolder, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Prefix } from '@pcloud/ip';
import type { ControlServer } from '../control/control-server.ts';
import { CoordinatorError } from '../errors.ts';
import type { Refusals } from '../refusals.ts';
import type { HttpApp } from './app.ts';
import { watchClientErrors } from './client-errors.ts';
import { describeConnection } from './connection.ts';
import { attachControl } from './control-socket.ts';
import type { Certificate } from './tls/certificate.ts';

export interface Listener {
  readonly address: string;
  readonly port: number;
  /** For connections to come; nothing where there is no TLS. */
  setCertificate(certificate: Certificate): void;
  close(): Promise<void>;
}

export interface ListenerOptions {
  readonly address: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Left out: no TLS. */
  readonly certificate?: Certificate;
  /** Has the port already, and gives it up. */
  readonly holder?: PortHolder;
  readonly trustedProxies: readonly Prefix[];
}

export interface ListenerDeps {
  readonly app: HttpApp;
  readonly control: ControlServer;
  readonly refusals: Refusals;
}

/** What a client may take, so that none can keep a connection by being slow. */
export const SERVER_LIMITS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 20_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16_384,
};

/** @throws CoordinatorError LISTEN_FAILED */
export async function openListener(options: ListenerOptions, deps: ListenerDeps): Promise<Listener> {
  const { address, certificate, trustedProxies } = options;
  const tls = certificate && { cert: certificate.chain, key: certificate.key, minVersion: 'TLSv1.2' as const };
  const server = tls
    ? createTlsServer({ ...SERVER_LIMITS, ...tls, handshakeTimeout: 10_000 })
    : createPlainServer(SERVER_LIMITS);
  const answer = getRequestListener(
    (request, { incoming }) =>
      deps.app.fetch(request, { connection: describeConnection(incoming as never, trustedProxies) }),
    { overrideGlobalObjects: false },
  );
  server.on('request', (request, response) => void answer(request, response));
  watchClientErrors(server, deps.refusals);
  const endControl = attachControl(server, deps, trustedProxies);
  const connections = trackConnections(server);
  await listen(server, options);

  return {
    address,
    port: (server.address() as AddressInfo).port,
    setCertificate({ chain, key }) {
      if ('setSecureContext' in server) server.setSecureContext({ cert: chain, key, minVersion: 'TLSv1.2' });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        endControl();
        for (const socket of connections) socket.destroy();
      }),
  };
}

/** Of `server.closeAllConnections` sockets in a TLS handshake and upgraded ones are no part. */
function trackConnections(server: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  return connections;
}

function listen(server: Server, { address, port, holder }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const hint = error.code === 'EADDRINUSE' ? 'in use by another program' : error.message;
      reject(new CoordinatorError('LISTEN_FAILED', `${address} port ${port}: ${hint}`, { cause: error }));
    });
    server.listen(holder ?? { host: address, port }, () => {
      server.removeAllListeners('error');
      server.on('error', () => {});
      resolve();
    });
  });
}
