import { connect } from 'node:net';
import { join } from 'node:path';
import type { TunnelStatus } from './status.ts';
import { listenUnix, type UnixServer } from './unix-server.ts';

/** How the file name of a status socket ends, behind the interface's name. */
export const STATUS_SUFFIX = '.status.sock';

/**
 * Serves the status of an interface: who connects gets one JSON object. It has a socket of its own, so that
 * the UAPI stays exactly what others expect of it.
 * @throws DaemonError ALREADY_RUNNING, SOCKET_FAILED
 */
export function serveStatus(runtimeDir: string, name: string, describe: () => TunnelStatus): Promise<UnixServer> {
  return listenUnix(join(runtimeDir, `${name}${STATUS_SUFFIX}`), (socket) => {
    socket.resume();
    socket.end(JSON.stringify(describe()));
  });
}

/** A process that does not answer within this is stopped or hangs. */
const ANSWER_MS = 5_000;

/** Asks a running `pcloud-wg`. @throws the system's error when none answers */
export function readStatus(runtimeDir: string, name: string, patienceMs: number = ANSWER_MS): Promise<TunnelStatus> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(runtimeDir, `${name}${STATUS_SUFFIX}`));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('error', reject);
    socket.setTimeout(patienceMs, () => socket.destroy(new Error(`no answer within ${patienceMs} ms`)));
    socket.once('end', () => {
      try {
        resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      } catch (error) {
        reject(error);
      }
    });
  });
}
