import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Uapi, UapiSession } from '@pcloud/wireguard';
import { adoptUnix, listenUnix, type UnixServer } from './unix-server.ts';

export interface UapiSocketOptions {
  /** Where `wg` looks: /var/run/wireguard. */
  readonly directory: string;
  readonly name: string;
  /** A socket that listens already, to be used in place of one of our own. */
  readonly descriptor?: number | undefined;
}

/**
 * The socket that `wg` speaks to, DIRECTORY/IFNAME.sock.
 * @throws DaemonError ALREADY_RUNNING, SOCKET_FAILED
 */
export function serveUapi(options: UapiSocketOptions, uapi: Uapi): Promise<UnixServer> {
  const path = join(options.directory, `${options.name}.sock`);
  const handle = (socket: Socket): void => void converse(socket, uapi);
  return options.descriptor === undefined ? listenUnix(path, handle) : adoptUnix(options.descriptor, path, handle);
}

/** Reads on only when what came has been done and answered, so that a client cannot make work pile up. */
async function converse(socket: Socket, uapi: Uapi): Promise<void> {
  const session = uapi.connect((text) => reply(socket, text));
  try {
    // Left to itself, the loop would destroy the socket at the end of what came, before the last answer.
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      await session.receive(chunk);
      if (session.isClosed) break;
    }
    await finish(session);
    socket.end(() => socket.destroy());
  } catch {
    await session.abort();
    socket.destroy();
  }
}

function finish(session: UapiSession): Promise<void> | undefined {
  return session.isClosed ? undefined : session.end();
}

/** Waits until the client has taken it, or has gone away. */
function reply(socket: Socket, text: string): void | Promise<void> {
  if (socket.destroyed || socket.write(text)) return;
  return new Promise((resolve) => {
    const done = (): void => {
      socket.removeListener('drain', done);
      socket.removeListener('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
  });
}
