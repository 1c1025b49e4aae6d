import { chmodSync, mkdirSync, rmSync, statSync, watch } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { DaemonError } from './errors.ts';

/** A Unix socket that only its owner may connect to. */
export interface UnixServer {
  readonly path: string;
  /** Calls back once when the socket file is deleted or replaced by somebody else. */
  watchDeletion(onDeleted: () => void): void;
  /** Ends every connection and removes the file if it is still ours. */
  close(): void;
}

const POLL_INTERVAL_MS = 2_000;

/**
 * Listens at a path, taking over the file of a process that is no more.
 * @throws DaemonError ALREADY_RUNNING when somebody answers there, SOCKET_FAILED
 */
export async function listenUnix(path: string, handle: (socket: Socket) => void): Promise<UnixServer> {
  const directory = dirname(path);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    if (await answers(path)) {
      throw new DaemonError('ALREADY_RUNNING', `"${path}": another process answers there; stop it first`);
    }
    rmSync(path, { force: true });
    const server = createUnixServer(handle);
    await listenPrivately(server.server, path);
    return manage(path, server);
  } catch (error) {
    if (error instanceof DaemonError) throw error;
    const cause = error as NodeJS.ErrnoException;
    throw new DaemonError('SOCKET_FAILED', `"${path}": cannot listen there (${cause.code ?? cause.message})`, {
      cause,
    });
  }
}

/** Listens on a descriptor of a socket that listens already. @throws DaemonError SOCKET_FAILED */
export async function adoptUnix(
  descriptor: number,
  path: string,
  handle: (socket: Socket) => void,
): Promise<UnixServer> {
  const server = createUnixServer(handle);
  try {
    await listening(server.server, () => server.server.listen({ fd: descriptor }));
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    throw new DaemonError('SOCKET_FAILED', `WG_UAPI_FD: the descriptor is not a listening socket (${cause.code})`, {
      cause,
    });
  }
  return manage(path, server);
}

interface Listener {
  readonly server: Server;
  readonly connections: Set<Socket>;
}

function createUnixServer(handle: (socket: Socket) => void): Listener {
  const connections = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    // A client that goes away in the middle of an answer is its own affair.
    socket.on('error', () => socket.destroy());
    handle(socket);
  });
  return { server, connections };
}

/** The umask is the process's, so it is put back before anything else can run. */
function listenPrivately(server: Server, path: string): Promise<void> {
  return listening(server, () => {
    const before = process.umask(0o077);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
  }).then(() => chmodSync(path, 0o600));
}

function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.removeListener('error', reject);
      resolve();
    });
    listen();
  });
}

function manage(path: string, { server, connections }: Listener): UnixServer {
  const identity = identityOf(path);
  const endings: (() => void)[] = [];
  return {
    path,
    watchDeletion(onDeleted) {
      let told = false;
      const check = (): void => {
        if (told || identityOf(path) === identity) return;
        told = true;
        onDeleted();
      };
      try {
        const watcher = watch(dirname(path), { persistent: false }, check);
        watcher.on('error', check);
        endings.push(() => watcher.close());
      } catch {
        // Without inotify the poll below sees it a little later.
      }
      const timer = setInterval(check, POLL_INTERVAL_MS);
      timer.unref();
      endings.push(() => clearInterval(timer));
    },
    close() {
      for (const end of endings) end();
      // Closing removes the file by its name, whoever's it is by now.
      const found = identityOf(path);
      if (found === undefined || found === identity) {
        server.close();
        rmSync(path, { force: true });
      } else {
        server.unref();
      }
      for (const connection of connections) connection.destroy();
    },
  };
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
