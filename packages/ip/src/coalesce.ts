import { pseudoHeaderSum } from './checksum.ts';
import { PROTOCOL, writeUint16 } from './header.ts';
import { type Candidate, classify, createCandidate, isContinuation, sameFlow } from './merge-candidate.ts';
import { GSO, TCP_CHECKSUM_OFFSET, TCP_FLAG, UDP_CHECKSUM_OFFSET, writeIpLength } from './segment.ts';

/** A run of packets that one write hands to the TUN: words of its descriptor. All but the first three are 0 when it is one packet as it is. */
export const RUN = {
  WORDS: 8,
  /** Index of its first packet; `next` leads on from there. */
  FIRST: 0,
  /** Packets in it, ≥ 1. */
  COUNT: 1,
  /** Bytes of the packet, or of the super-packet. */
  LENGTH: 2,
  /** virtio-net fields of the super-packet, whose checksum is left to be finished. */
  GSO_TYPE: 3,
  GSO_SIZE: 4,
  HEADER_LENGTH: 5,
  CHECKSUM_START: 6,
  CHECKSUM_OFFSET: 7,
} as const;

/** The longest super-packet, bytes, so that every IP length field can say it. */
const RUN_BYTES_MAX = 0xffff;
/** What the kernel merges of UDP itself at most. */
const UDP_PACKETS_MAX = 64;
const NOT_IN_RUN = -1;

/** Packets of a batch, as places in one array. */
export interface PacketList {
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
}

/** Sorts batches of packets into runs, in memory of its own that it uses again. */
export interface Coalescer {
  /** Runs of the last plan, `RUN.WORDS` words each, in the order of their first packets. */
  readonly runs: Int32Array;
  /** For each packet the one after it in its run, or -1. */
  readonly next: Int32Array;
  /**
   * Puts the first `count` packets into runs; no packet byte is changed. @returns runs
   * @throws RangeError when there are more packets than the capacity
   */
  plan(packets: PacketList, count: number): number;
}

/**
 * Finds packets that can go to the kernel as one super-packet, such that cutting it (`writeSegment`) gives
 * back the same packets; only IPv4 identifications of packets that may not be fragmented can differ.
 *
 * A run grows at its end, while every packet but the last has the size of the first and none but the last
 * has PSH, up to 65,535 bytes and, of UDP, 64 packets. `classify` says which packets may be in a run,
 * `isContinuation` which may follow which. Packets of a flow (addresses, protocol, ports) keep their order:
 * a packet that does not continue its flow's open run closes it, and one whose flow cannot be read (a
 * fragment, IP options, another protocol) closes all. Order between flows is not kept.
 */
export function createCoalescer(capacity: number): Coalescer {
  const runs = new Int32Array(capacity * RUN.WORDS);
  const next = new Int32Array(capacity);
  const last = new Int32Array(capacity);
  const open = new Int32Array(capacity);
  const candidate = createCandidate();
  let runCount = 0;
  let openCount = 0;

  function plan(packets: PacketList, count: number): number {
    if (count > capacity) throw new RangeError(`"count" expected at most ${capacity}, got ${count}`);
    runCount = 0;
    openCount = 0;
    for (let i = 0; i < count; i++) place(packets, i);
    for (let run = 0; run < runCount; run++) clearSingle(runs, run * RUN.WORDS);
    return runCount;
  }

  function place(packets: PacketList, index: number): void {
    const at = packets.offsets[index]!;
    const length = packets.lengths[index]!;
    next[index] = NOT_IN_RUN;
    classify(packets.bytes, at, length, candidate);
    if (!candidate.hasFlow) openCount = 0;
    const position = candidate.hasFlow ? findOpen(packets, at) : NOT_IN_RUN;
    if (position !== NOT_IN_RUN) {
      const run = open[position]!;
      if (canAppend(packets, run * RUN.WORDS, at)) {
        append(run, index);
        if (endsRun(packets.bytes, at, run * RUN.WORDS)) close(position);
        return;
      }
      close(position);
    }
    const run = runCount++;
    start(run, index, length);
    if (candidate.isMergeable && !endsRun(packets.bytes, at, run * RUN.WORDS)) open[openCount++] = run;
  }

  function start(run: number, index: number, length: number): void {
    const at = run * RUN.WORDS;
    last[run] = index;
    runs[at + RUN.FIRST] = index;
    runs[at + RUN.COUNT] = 1;
    runs[at + RUN.LENGTH] = length;
    runs[at + RUN.GSO_TYPE] = candidate.isUdp ? GSO.UDP : candidate.transport === 20 ? GSO.TCPV4 : GSO.TCPV6;
    runs[at + RUN.GSO_SIZE] = candidate.payload;
    runs[at + RUN.HEADER_LENGTH] = candidate.headerLength;
    runs[at + RUN.CHECKSUM_START] = candidate.transport;
    runs[at + RUN.CHECKSUM_OFFSET] = candidate.isUdp ? UDP_CHECKSUM_OFFSET : TCP_CHECKSUM_OFFSET;
  }

  function canAppend(packets: PacketList, run: number, at: number): boolean {
    const size = runs[run + RUN.GSO_SIZE]!;
    if (!candidate.isMergeable || candidate.payload > size) return false;
    if (candidate.headerLength !== runs[run + RUN.HEADER_LENGTH]) return false;
    if (runs[run + RUN.LENGTH]! + candidate.payload > RUN_BYTES_MAX) return false;
    if (candidate.isUdp && runs[run + RUN.COUNT] === UDP_PACKETS_MAX) return false;
    const first = packets.offsets[runs[run + RUN.FIRST]!]!;
    return isContinuation(packets.bytes, first, at, candidate, runs[run + RUN.COUNT]!, size);
  }

  function append(run: number, index: number): void {
    next[last[run]!] = index;
    last[run] = index;
    const at = run * RUN.WORDS;
    runs[at + RUN.COUNT] = runs[at + RUN.COUNT]! + 1;
    runs[at + RUN.LENGTH] = runs[at + RUN.LENGTH]! + candidate.payload;
  }

  /** Whether nothing can follow the packet just put at the end of the run. */
  function endsRun(bytes: Uint8Array, at: number, run: number): boolean {
    return candidate.payload < runs[run + RUN.GSO_SIZE]! || isPushed(bytes, at, candidate);
  }

  function findOpen(packets: PacketList, at: number): number {
    for (let i = 0; i < openCount; i++) if (sameFlow(packets.bytes, at, firstOf(packets, i))) return i;
    return NOT_IN_RUN;
  }

  function close(position: number): void {
    open[position] = open[--openCount]!;
  }

  function firstOf(packets: PacketList, position: number): number {
    return packets.offsets[runs[open[position]! * RUN.WORDS + RUN.FIRST]!]!;
  }

  return { runs, next, plan };
}

/**
 * Writes the packet or super-packet of a run to `outAt` of `out`, another array than the packets' with
 * room for `RUN.LENGTH` bytes. A super-packet has the headers of its first packet, the PSH of its last, its own
 * lengths and IPv4 header checksum, and in place of the transport checksum the folded sum of the pseudo-header.
 * @returns bytes written
 */
export function writeRun(
  coalescer: Coalescer,
  run: number,
  packets: PacketList,
  out: Uint8Array,
  outAt: number,
): number {
  const { runs, next } = coalescer;
  const { bytes, offsets, lengths } = packets;
  const at = run * RUN.WORDS;
  const length = runs[at + RUN.LENGTH]!;
  const header = runs[at + RUN.HEADER_LENGTH]!;
  let index = runs[at + RUN.FIRST]!;
  out.set(bytes.subarray(offsets[index]!, offsets[index]! + lengths[index]!), outAt);
  if (runs[at + RUN.COUNT] === 1) return length;

  let end = outAt + lengths[index]!;
  while (next[index] !== NOT_IN_RUN) {
    index = next[index]!;
    out.set(bytes.subarray(offsets[index]! + header, offsets[index]! + lengths[index]!), end);
    end += lengths[index]! - header;
  }
  writeIpLength(out, outAt, length, 0);
  const start = runs[at + RUN.CHECKSUM_START]!;
  const transport = outAt + start;
  const isUdp = runs[at + RUN.GSO_TYPE] === GSO.UDP;
  if (isUdp) writeUint16(out, transport + 4, length - start);
  else out[transport + 13] = bytes[offsets[index]! + start + 13]!;
  const sum = pseudoHeaderSum(out, outAt, isUdp ? PROTOCOL.UDP : PROTOCOL.TCP, length - start);
  writeUint16(out, transport + runs[at + RUN.CHECKSUM_OFFSET]!, sum);
  return length;
}

function isPushed(bytes: Uint8Array, at: number, candidate: Candidate): boolean {
  return !candidate.isUdp && (bytes[at + candidate.transport + 13]! & TCP_FLAG.PSH) !== 0;
}

function clearSingle(runs: Int32Array, at: number): void {
  if (runs[at + RUN.COUNT] === 1) runs.fill(0, at + RUN.GSO_TYPE, at + RUN.WORDS);
}
