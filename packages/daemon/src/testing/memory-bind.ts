import { copyEndpoint, createEndpoint, formatEndpoint, parseAddress, parseEndpoint } from '@pcloud/ip';
import { LAYOUT } from '@pcloud/wireguard';
import { describeDatagram, udpSlotOffset } from '../descriptors.ts';
import type { Bind } from '../seams.ts';

/** A network in memory: every bind on it has an address, and datagrams wait until they are delivered. */
export interface MemoryNetwork {
  createBind(address: string): MemoryBind;
  /** Hands over what waits, and what that brings about, until it is quiet. @returns how many datagrams */
  settle(): number;
  /** Datagrams that `pass` is false for are lost. */
  filter(pass: (datagram: Uint8Array, from: string, to: string) => boolean): void;
}

export interface MemoryBind extends Bind {
  /** `address:port` while open. */
  readonly endpoint: string;
  readonly isOpen: boolean;
  /** Every datagram sent, with its outer TOS. */
  readonly sent: { datagram: Uint8Array; to: string; tos: number }[];
  mark: number;
}

interface Letter {
  datagram: Uint8Array;
  from: string;
  to: string;
  tos: number;
}

interface Letterbox {
  readonly bind: MemoryBind;
  take(letter: Letter): void;
}

export function createMemoryNetwork(): MemoryNetwork {
  const boxes: Letterbox[] = [];
  let wire: Letter[] = [];
  let pass: (datagram: Uint8Array, from: string, to: string) => boolean = () => true;
  return {
    createBind(address) {
      const box = createLetterbox(address, (letter) => wire.push(letter));
      boxes.push(box);
      return box.bind;
    },
    filter(filter) {
      pass = filter;
    },
    settle() {
      let handed = 0;
      while (wire.length > 0) {
        const letters = wire;
        wire = [];
        for (const letter of letters) {
          if (!pass(letter.datagram, letter.from, letter.to)) continue;
          handed += 1;
          boxes.find((box) => box.bind.isOpen && box.bind.endpoint === letter.to)?.take(letter);
        }
      }
      return handed;
    },
  };
}

function createLetterbox(address: string, post: (letter: Letter) => void): Letterbox {
  const bytes = parseAddress(address);
  if (!bytes) throw new RangeError(`"address" expected an IP address, got ${address}`);
  const waiting: Letter[] = [];
  let port = 0;
  let readable: (() => void) | undefined;
  const send = (datagram: Uint8Array, to: string, tos: number): void => {
    bind.sent.push({ datagram, to, tos });
    post({ datagram, from: bind.endpoint, to, tos });
  };
  const bind: MemoryBind = {
    sent: [],
    mark: 0,
    get endpoint() {
      return formatEndpoint(createEndpoint(bytes, port));
    },
    get isOpen() {
      return port !== 0;
    },
    open(wanted, mark) {
      port = wanted === 0 ? 40_000 : wanted;
      bind.mark = mark;
      return Promise.resolve(port);
    },
    setMark(mark) {
      bind.mark = mark;
    },
    receive(batch) {
      const count = Math.min(waiting.length, LAYOUT.UDP_SLOTS);
      for (let i = 0; i < count; i++) {
        const letter = waiting.shift()!;
        const offset = udpSlotOffset(i);
        batch.bytes.set(letter.datagram, offset);
        copyEndpoint(recordOf(letter.from), 0, batch.endpoints, i);
        describeDatagram(batch, i, offset, letter.datagram.length, i, letter.tos);
      }
      return count;
    },
    sendRun(batch, offset, length, segmentBytes, endpoint, tos) {
      const to = formatEndpoint(batch.endpoints, endpoint);
      for (let at = offset; at < offset + length; at += segmentBytes) {
        send(batch.bytes.slice(at, Math.min(at + segmentBytes, offset + length)), to, tos);
      }
    },
    transmit(datagram, endpoint, tos) {
      send(datagram.slice(), formatEndpoint(endpoint), tos);
    },
    listen(callbacks) {
      readable = callbacks.readable;
    },
    close() {
      port = 0;
      waiting.length = 0;
    },
  };
  return {
    bind,
    take(letter) {
      waiting.push(letter);
      readable?.();
    },
  };
}

function recordOf(endpoint: string): Int32Array {
  return parseEndpoint(endpoint) ?? createEndpoint(new Uint8Array(4), 0);
}
