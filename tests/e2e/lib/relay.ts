/** Connections of this process that leave from a host of a lab, as if the test ran there. */
import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { type Host, waitFor } from '../../lab/index.ts';

export interface Relay {
  tcp(): Socket;
  /** The certificate is not looked at. */
  tls(): Socket;
  close(): void;
}

/** Carries bytes between a socket of the file system, which hosts share, and a place in the host's network. */
const PROGRAM = `
const { connect, createServer } = require('node:net');
const [path, host, port] = process.argv.slice(1);
createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ host, port, allowHalfOpen: true });
  near.pipe(far).pipe(near);
  for (const [one, other] of [[near, far], [far, near]]) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroySoon());
  }
}).listen({ path, backlog: 511 }, () => console.log('open'));
`;

let relays = 0;

export async function openRelay(host: Host, address: string, port: number): Promise<Relay> {
  relays += 1;
  const path = join(tmpdir(), `pcloud-relay-${process.pid}-${relays}.sock`);
  const relay = host.spawn([process.execPath, '-e', PROGRAM, path, address, `${port}`]);
  await waitFor('the relay to listen', () => relay.stdout().includes('open'), 10_000, relay.output);
  const tcp = (): Socket => {
    const socket = connect(path);
    socket.on('error', () => {});
    return socket;
  };
  return {
    tcp,
    tls() {
      const socket = connectTls({ socket: tcp(), rejectUnauthorized: false });
      socket.on('error', () => {});
      return socket;
    },
    close: () => rmSync(path, { force: true }),
  };
}
