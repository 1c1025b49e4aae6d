import { connect } from 'node:net';

/** A port that hardly anybody listens on: being turned away there is an answer too. */
const PROBE_PORT = 1;

/** Milliseconds until a host answers a TCP connection, or turns it away. Needs no right that a ping would. */
export function probeByTcp(address: string, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const socket = connect({ host: address, port: PROBE_PORT, signal });
    const answered = (): void => {
      resolve(performance.now() - startedAt);
      socket.destroy();
    };
    socket.once('connect', answered);
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') answered();
      else reject(error);
    });
  });
}
