import { connect } from 'node:net';
import type { Host } from '../../lab/host.ts';

/** Sends text to the UAPI socket of an interface as it is, and returns all that comes back until the other side is done. */
export function askUapi(host: Host, name: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(`/proc/${host.pid}/root/run/wireguard/${name}.sock`);
    let answer = '';
    socket.setTimeout(5000, () => socket.destroy(new Error(`no answer to ${JSON.stringify(text)}`)));
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.end(text);
  });
}

/** The errno in an answer to one operation. */
export function errnoOf(answer: string): number {
  return Number(/^errno=(-?\d+)$/m.exec(answer)?.[1]);
}
