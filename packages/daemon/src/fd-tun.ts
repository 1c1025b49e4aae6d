import { closeSync, readFileSync, readSync, writeSync } from 'node:fs';
import { type Batch, DATAGRAM, LAYOUT } from '@pcloud/wireguard';
import { describePacket, tunSlotOffset } from './descriptors.ts';
import { DaemonError } from './errors.ts';
import type { TunDevice } from './seams.ts';

/** What a descriptor of a TUN is, read from the kernel. */
export interface TunDescriptor {
  readonly name: string;
  /** Bytes in front of each packet: packet information (4), a virtio-net header (10), or both. */
  readonly prefixBytes: number;
  /** Whether `prefixBytes` counts packet information. */
  readonly hasPacketInformation: boolean;
  /** Whether a read waits until there is a packet. */
  readonly blocks: boolean;
}

const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const O_NONBLOCK = 0o4000;
const MESSAGE_HEADER_BYTES = 16;
/** Polling backs off while nothing comes. Milliseconds. */
const SHORTEST_POLL_MS = 1;
const LONGEST_POLL_MS = 16;
const LONGEST_PREFIX_BYTES = 14;

/**
 * Reads what a descriptor is from /proc and /sys.
 * @throws DaemonError BAD_OPTION when it is not a TUN
 */
export function inspectTunDescriptor(descriptor: number): TunDescriptor {
  let info: string;
  try {
    info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
  } catch (cause) {
    throw new DaemonError('BAD_OPTION', 'WG_TUN_FD: the descriptor is not open', { cause });
  }
  const name = /^iff:\s*(\S+)$/m.exec(info)?.[1];
  if (!name) throw new DaemonError('BAD_OPTION', 'WG_TUN_FD: the descriptor is not a TUN');
  const openFlags = Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? '0', 8);
  const tunFlags = readTunFlags(name);
  const hasPacketInformation = (tunFlags & IFF_NO_PI) === 0;
  return {
    name,
    prefixBytes: (hasPacketInformation ? 4 : 0) + ((tunFlags & IFF_VNET_HDR) === 0 ? 0 : 10),
    hasPacketInformation,
    blocks: (openFlags & O_NONBLOCK) === 0,
  };
}

function readTunFlags(name: string): number {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/tun_flags`, 'utf8').trim());
  } catch (cause) {
    throw new DaemonError('BAD_OPTION', `WG_TUN_FD: its interface "${name}" is not in this network namespace's /sys`, {
      cause,
    });
  }
}

/**
 * A TUN over a descriptor that does not block, where there is no addon. Nothing tells when packets wait, so
 * it polls, the more seldom the longer none came. The kernel must not coalesce on it: offload stays off.
 */
export function createFdTun(
  descriptor: number,
  { name, prefixBytes }: Pick<TunDescriptor, 'name' | 'prefixBytes'>,
): TunDevice {
  const prefix = new Uint8Array(LONGEST_PREFIX_BYTES);
  let listener: { readable: () => void; closed: (error: Error) => void } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let pollMs = SHORTEST_POLL_MS;
  let brought = 0;
  let closed = false;

  function poll(): void {
    // The descriptor's number may be somebody else's by now.
    if (closed) return;
    brought = 0;
    listener?.readable();
    if (closed) return;
    if (brought > 0) {
      pollMs = SHORTEST_POLL_MS;
      setImmediate(poll);
      return;
    }
    pollMs = Math.min(pollMs * 2, LONGEST_POLL_MS);
    timer = setTimeout(poll, pollMs);
  }

  function readPacket(batch: Batch, slot: number): number {
    const at = tunSlotOffset(slot);
    const room = LAYOUT.TUN_SLOT_BYTES - LAYOUT.TUN_HEADROOM;
    return readSync(descriptor, batch.bytes, at - prefixBytes, room + prefixBytes, null) - prefixBytes;
  }

  /** Writes a packet that has room for the prefix in front of it. */
  function writePacket(bytes: Uint8Array, at: number, length: number): void {
    prefix.fill(0);
    if (prefixBytes === 4 || prefixBytes === 14) {
      // struct tun_pi: flags, then the protocol as Ethernet has it.
      prefix.set(bytes[at]! >> 4 === 6 ? [0, 0, 0x86, 0xdd] : [0, 0, 0x08, 0x00]);
    }
    bytes.set(prefix.subarray(0, prefixBytes), at - prefixBytes);
    try {
      writeSync(descriptor, bytes, at - prefixBytes, prefixBytes + length);
    } catch (error) {
      handleError(error as NodeJS.ErrnoException);
    }
  }

  function handleError(error: NodeJS.ErrnoException): void {
    // A packet that the kernel refuses (EINVAL), or an interface that is down (EIO), concerns that packet only.
    if (closed || (error.code !== 'EBADFD' && error.code !== 'EBADF')) return;
    closed = true;
    listener?.closed(error);
  }

  return {
    name,
    receive(batch) {
      brought = 0;
      try {
        for (; brought < LAYOUT.TUN_SLOTS; brought++) {
          const length = readPacket(batch, brought);
          if (length <= 0) break;
          describePacket(batch, brought, tunSlotOffset(brought), length);
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') handleError(error as NodeJS.ErrnoException);
      }
      return brought;
    },
    send(batch, count) {
      for (let i = 0; i < count; i++) {
        const at = i * DATAGRAM.WORDS;
        const length = batch.datagrams[at + DATAGRAM.DELIVER]!;
        if (length !== 0)
          writePacket(batch.bytes, batch.datagrams[at + DATAGRAM.OFFSET]! + MESSAGE_HEADER_BYTES, length);
      }
    },
    inject(packet) {
      const bytes = new Uint8Array(LONGEST_PREFIX_BYTES + packet.length);
      bytes.set(packet, LONGEST_PREFIX_BYTES);
      writePacket(bytes, LONGEST_PREFIX_BYTES, packet.length);
    },
    listen(callbacks) {
      listener = callbacks;
      setImmediate(poll);
    },
    close() {
      if (closed && !timer) return;
      closed = true;
      clearTimeout(timer);
      timer = undefined;
      try {
        closeSync(descriptor);
      } catch {
        // It was closed by whoever gave it.
      }
    },
  };
}
