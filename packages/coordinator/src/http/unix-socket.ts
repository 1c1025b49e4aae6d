/** The coordinator's own socket: the same API, for root on this machine. */
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { CoordinatorError } from '../errors.ts';
import type { HttpApp } from './app.ts';
import { UNIX_CONNECTION } from './connection.ts';
import { SERVER_LIMITS } from './listener.ts';

/** In the runtime directory. */
export const COORDINATOR_SOCKET = 'coordinator.sock';

/**
 * Listens at a path, taking over the file of a process that is no more. The file's mode keeps out whoever is not root.
 * @returns what closes it
 * @throws CoordinatorError ALREADY_RUNNING, LISTEN_FAILED
 */
export async function openUnixSocket(path: string, app: HttpApp): Promise<() => Promise<void>> {
  const server = createServer(SERVER_LIMITS);
  const answer = getRequestListener((request) => app.fetch(request, { connection: UNIX_CONNECTION }), {
    overrideGlobalObjects: false,
  });
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', (request, response) => void answer(request, response));
  server.on('clientError', (_error, socket) => socket.destroy());
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    if (await answers(path)) {
      throw new CoordinatorError('ALREADY_RUNNING', `"${path}": another coordinator answers there; stop it first`);
    }
    rmSync(path, { force: true });
    await listenPrivately(server, path);
  } catch (error) {
    if (error instanceof CoordinatorError) throw error;
    const cause = error as NodeJS.ErrnoException;
    throw new CoordinatorError('LISTEN_FAILED', `"${path}": ${cause.code ?? cause.message}`, { cause });
  }
  const identity = identityOf(path);
  return () =>
    new Promise((resolve) => {
      // Closing removes the file by its name, which may be a successor's by now.
      if (identityOf(path) === identity || identityOf(path) === undefined) server.close(() => resolve());
      else {
        server.unref();
        resolve();
      }
      for (const socket of connections) socket.destroy();
    });
}

/** The umask is the process's, so it is put back before anything else can run. */
function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const before = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off('error', reject);
        chmodSync(path, 0o600);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

function identityOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(false);
      else reject(error);
    });
  });
}
