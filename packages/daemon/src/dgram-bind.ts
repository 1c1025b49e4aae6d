import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { ENDPOINT } from '@pcloud/ip';
import { LAYOUT } from '@pcloud/wireguard';
import { describeDatagram, udpSlotOffset } from './descriptors.ts';
import { createRemotes } from './dgram-remotes.ts';
import { DaemonError } from './errors.ts';
import { createScopes, type Scopes } from './scopes.ts';
import type { Bind } from './seams.ts';

/** What happened to datagrams, ever growing. */
export interface DgramCounters {
  /** Datagrams that came faster than they were taken. */
  receiveOverflow: number;
  /** Datagrams that the system did not take, or that waited too many in the process. */
  sendFailed: number;
}

/** Datagrams that wait to be taken; 64 KB each at the worst. */
const RECEIVE_QUEUE = 1_024;
/** Datagrams handed to the system that it has not taken yet. */
const SEND_QUEUE = 4_096;
const SOCKET_BUFFER_BYTES = 7 * 1024 * 1024;
/** Tries to find one port that is free in both families. */
const PORT_TRIES = 100;
const NO_FAMILY: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EPROTONOSUPPORT']);

type Family = 4 | 6;

/**
 * UDP sockets of node:dgram, for platforms without the addon. It has no mark, no TOS (both ways 0), no
 * sticky source and no segmentation: every datagram is a system call.
 */
export function createDgramBind(scopes: Scopes = createScopes()): Bind & { readonly counters: DgramCounters } {
  const counters: DgramCounters = { receiveOverflow: 0, sendFailed: 0 };
  const remotes = createRemotes(scopes);
  const sockets = new Map<Family, Socket>();
  let queue: { message: Buffer; remote: RemoteInfo }[] = [];
  let taken = 0;
  let unsent = 0;
  let scheduled = false;
  let readable: (() => void) | undefined;

  const afterSend = (error: Error | null): void => {
    unsent -= 1;
    if (error) counters.sendFailed += 1;
  };

  function schedule(): void {
    if (scheduled || !readable) return;
    scheduled = true;
    setImmediate(announce);
  }

  function announce(): void {
    scheduled = false;
    if (taken === queue.length) return;
    readable?.();
    if (taken < queue.length) schedule();
  }

  function handleMessage(message: Buffer, remote: RemoteInfo): void {
    if (queue.length - taken >= RECEIVE_QUEUE) {
      counters.receiveOverflow += 1;
      return;
    }
    queue.push({ message, remote });
    schedule();
  }

  function close(): void {
    for (const socket of sockets.values()) socket.close();
    sockets.clear();
    queue = [];
    taken = 0;
  }

  async function openBoth(port: number): Promise<number> {
    const opened: Partial<Record<Family, Socket>> = {};
    try {
      const ipv4 = await openSocket(4, port, handleMessage);
      if (ipv4) opened[4] = ipv4;
      const chosen = ipv4?.address().port ?? port;
      const ipv6 = await openSocket(6, chosen, handleMessage);
      if (ipv6) opened[6] = ipv6;
      if (!ipv4 && !ipv6) throw new DaemonError('SOCKET_FAILED', 'this machine has neither IPv4 nor IPv6');
      if (ipv4) sockets.set(4, ipv4);
      if (ipv6) sockets.set(6, ipv6);
      return (ipv4 ?? ipv6)!.address().port;
    } catch (error) {
      opened[4]?.close();
      opened[6]?.close();
      throw error;
    }
  }

  function send(bytes: Uint8Array, offset: number, length: number, table: Int32Array, slot: number): void {
    const at = slot * ENDPOINT.WORDS;
    const socket = sockets.get(table[at + ENDPOINT.FAMILY] as Family);
    if (!socket || unsent >= SEND_QUEUE) {
      counters.sendFailed += 1;
      return;
    }
    unsent += 1;
    // A copy: the system may take it after the caller has written the next packet over it.
    const copy = Buffer.from(bytes.subarray(offset, offset + length));
    try {
      socket.send(copy, table[at + ENDPOINT.PORT]!, remotes.format(table, slot), afterSend);
    } catch {
      // Port 0, which a peer may claim, is refused at once.
      unsent -= 1;
      counters.sendFailed += 1;
    }
  }

  return {
    counters,
    async open(port, mark) {
      if (mark !== 0) throw noMark();
      close();
      for (let tries = 1; ; tries++) {
        try {
          return await openBoth(port);
        } catch (error) {
          if (port !== 0 || tries >= PORT_TRIES || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
        }
      }
    },
    setMark(mark) {
      if (mark !== 0) throw noMark();
    },
    receive(batch) {
      const count = Math.min(queue.length - taken, LAYOUT.UDP_SLOTS);
      let kept = 0;
      for (let i = 0; i < count; i++) {
        const { message, remote } = queue[taken + i]!;
        if (!remotes.write(batch.endpoints, kept, remote.address, remote.port)) continue;
        const offset = udpSlotOffset(kept);
        batch.bytes.set(message, offset);
        describeDatagram(batch, kept, offset, message.length, kept, 0);
        kept += 1;
      }
      taken += count;
      if (taken === queue.length) {
        queue = [];
        taken = 0;
      }
      return kept;
    },
    sendRun(batch, offset, length, segmentBytes, endpoint) {
      const end = offset + length;
      for (let at = offset; at < end; at += segmentBytes) {
        send(batch.bytes, at, Math.min(segmentBytes, end - at), batch.endpoints, endpoint);
      }
    },
    transmit(datagram, endpoint) {
      send(datagram, 0, datagram.length, endpoint, 0);
    },
    listen(callbacks) {
      readable = callbacks.readable;
      if (taken < queue.length) schedule();
    },
    close,
  };
}

function noMark(): DaemonError {
  return new DaemonError('ENOTSUP', 'fwmark: sockets of node:dgram cannot be marked; use the native bind');
}

/** Undefined when the machine does not have this address family. */
function openSocket(
  family: Family,
  port: number,
  handleMessage: (message: Buffer, remote: RemoteInfo) => void,
): Promise<Socket | undefined> {
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    ipv6Only: family === 6,
    // Addresses are numbers already: no name is looked up, and the send is done within the call.
    lookup: (address, _options, callback) => callback(null, address, family),
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      if (NO_FAMILY.has(error.code ?? '')) resolve(undefined);
      else reject(error);
    });
    socket.bind({ port, address: family === 4 ? '0.0.0.0' : '::' }, () => {
      socket.removeAllListeners('error');
      // What a remote's ICMP says of one datagram must not end the process; a dead path shows as silence.
      socket.on('error', () => {});
      growBuffers(socket);
      socket.on('message', handleMessage);
      resolve(socket);
    });
  });
}

function growBuffers(socket: Socket): void {
  for (const grow of [socket.setRecvBufferSize, socket.setSendBufferSize]) {
    try {
      grow.call(socket, SOCKET_BUFFER_BYTES);
    } catch {
      // A system that refuses keeps its own size.
    }
  }
}
