import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import type { Resolver } from './resolver.ts';
import { createFrameReader, writeFrame } from './tcp-frames.ts';

/** The resolver at one address, over UDP and TCP. */
export interface Listener {
  readonly address: string;
  readonly port: number;
  close(): void;
}

const MAX_CONNECTIONS = 64;
/** A connection on which nothing comes. RFC 7766 section 6.2.3 has it be seconds. */
const IDLE_MS = 10_000;
/** Answers that wait for who asks on and does not read. Bytes. */
const MAX_UNREAD_BYTES = 262_144;

/** @param port 53 but in tests, where 0 is any. Rejects with the system's error; nothing is left open then */
export async function listenForNames(address: string, port: number, resolver: Resolver): Promise<Listener> {
  const udp = await openUdp(address, port, resolver);
  const bound = udp.address().port;
  try {
    const tcp = await openTcp(address, bound, resolver);
    return {
      address,
      port: bound,
      close() {
        udp.close();
        tcp.close();
      },
    };
  } catch (error) {
    udp.close();
    throw error;
  }
}

function openUdp(address: string, port: number, resolver: Resolver): Promise<UdpSocket> {
  const socket = createSocket(isIPv6(address) ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
  let isOpen = true;
  socket.on('close', () => {
    isOpen = false;
  });
  socket.on('message', (bytes, from) => {
    void resolver.handle(bytes, from.address, 'udp').then((answer) => {
      // Who is gone before the answer comes does not need it.
      if (answer !== undefined && isOpen) socket.send(answer, from.port, from.address, () => {});
    });
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      // A socket that the system complains about goes on: what it says is of single datagrams.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

async function openTcp(address: string, port: number, resolver: Resolver): Promise<{ close(): void }> {
  const connections = new Set<Socket>();
  // Some close their side once they have asked.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    serve(socket, resolver);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, address, port);
  return {
    close() {
      server.close();
      for (const socket of connections) socket.destroy();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, ipv6Only: true, exclusive: true }, () => {
      server.removeListener('error', reject);
      server.on('error', () => {});
      resolve();
    });
  });
}

/** A question that gets no answer ends the connection: there is none that could come late. */
function serve(socket: Socket, resolver: Resolver): void {
  const from = socket.remoteAddress ?? '';
  let waiting = 0;
  let isEnded = false;
  const read = createFrameReader((message) => {
    waiting += 1;
    void resolver.handle(message, from, 'tcp').then((answer) => {
      waiting -= 1;
      if (answer === undefined || socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
      else if (socket.writable) socket.write(writeFrame(answer));
      if (isEnded && waiting === 0) socket.end();
    });
  });
  socket.on('data', read);
  socket.on('end', () => {
    isEnded = true;
    if (waiting === 0) socket.end();
  });
}
