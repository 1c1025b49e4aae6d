import { createFrameShape, writeSegment } from '@pcloud/ip';
import { type Batch, FRAME, LAYOUT, REGIONS } from './batch.ts';
import type { TransportKey } from './crypto.ts';
import { MESSAGE_TYPE, writeWord } from './messages.ts';

const HEADER_BYTES = 16;
const TAG_BYTES = 16;
const PADDING_UNIT = 16;
/** What one send with UDP segmentation holds: a UDP datagram of the largest sort, and UDP_MAX_SEGMENTS. */
const RUN_BYTES = 65_500;
const RUN_DATAGRAMS = 64;
const SEND_END = REGIONS.SEND + LAYOUT.SEND_BYTES;

export interface SealDeps {
  readonly batch: Batch;
  readonly keyAt: (slot: number) => TransportKey | undefined;
  /** Sends bytes of the slab to an endpoint slot, as datagrams of `segmentBytes` each, the last one shorter. */
  readonly sendRun: (offset: number, length: number, segmentBytes: number, endpoint: number, tos: number) => void;
}

/** Segments, pads, seals and sends the first `count` frames of the batch. */
export type FrameSealer = (count: number) => void;

/**
 * Bytes of zeros behind a packet of `length`: to a multiple of 16, but never past the MTU, so that the last
 * datagram of a full packet is not larger than the path takes. Whitepaper 5.4.6.
 * @param mtu bytes, 0 for none
 */
export function paddingLength(length: number, mtu: number): number {
  // A packet larger than the MTU is several units; what counts is the last one.
  const last = mtu > 0 && length > mtu ? length % mtu : length;
  const padded = Math.ceil(last / PADDING_UNIT) * PADDING_UNIT;
  return (mtu > 0 ? Math.min(padded, mtu) : padded) - last;
}

/** The readable twin of what the addon does with frames; works over any bind and any provider. */
export function createFrameSealer(deps: SealDeps): FrameSealer {
  const { batch, keyAt } = deps;
  const { bytes, frames } = batch;
  const shape = createFrameShape();
  const run = { start: REGIONS.SEND, end: REGIONS.SEND, segmentBytes: 0, datagrams: 0, endpoint: 0, tos: 0 };

  function flush(): void {
    if (run.datagrams > 0) deps.sendRun(run.start, run.end - run.start, run.segmentBytes, run.endpoint, run.tos);
    run.start = run.end;
    run.datagrams = 0;
  }

  /** Adds the datagram at the end of the run, after sending the run first where it does not fit in. */
  function append(length: number, endpoint: number, tos: number): void {
    const fits =
      run.datagrams > 0 &&
      run.endpoint === endpoint &&
      run.tos === tos &&
      length <= run.segmentBytes &&
      run.datagrams < RUN_DATAGRAMS &&
      run.end - run.start + length <= RUN_BYTES;
    if (!fits) {
      flush();
      run.segmentBytes = length;
      run.endpoint = endpoint;
      run.tos = tos;
    }
    run.end += length;
    run.datagrams += 1;
    // A shorter datagram can only be the last.
    if (length < run.segmentBytes) flush();
  }

  /** A datagram of up to this size can be written behind the run. */
  function makeRoom(length: number): void {
    if (run.end + length <= SEND_END) return;
    flush();
    run.start = REGIONS.SEND;
    run.end = REGIONS.SEND;
  }

  function readShape(at: number): void {
    shape.gsoType = frames[at + FRAME.GSO_TYPE]!;
    shape.gsoSize = frames[at + FRAME.GSO_SIZE]!;
    shape.headerLength = frames[at + FRAME.HEADER_LENGTH]!;
    shape.checksumStart = frames[at + FRAME.CHECKSUM_START]!;
    shape.checksumOffset = frames[at + FRAME.CHECKSUM_OFFSET]!;
    shape.segments = frames[at + FRAME.SEGMENTS]!;
  }

  function sealFrame(at: number, key: TransportKey): void {
    const offset = frames[at + FRAME.OFFSET]!;
    const frameBytes = frames[at + FRAME.LENGTH]!;
    readShape(at);
    let low = frames[at + FRAME.COUNTER_LOW]! >>> 0;
    let high = frames[at + FRAME.COUNTER_HIGH]! >>> 0;
    let sent = 0;
    for (let index = 0; index < shape.segments; index++) {
      makeRoom(frameBytes + HEADER_BYTES + PADDING_UNIT + TAG_BYTES);
      const start = run.end;
      const body = start + HEADER_BYTES;
      const packetBytes = writeSegment(bytes, offset, frameBytes, shape, index, bytes, body);
      // A checksum that is to be finished outside the packet: an empty packet would say that all is well.
      if (packetBytes === 0 && (frameBytes > 0 || shape.checksumOffset !== 0)) break;
      const plainBytes = packetBytes + paddingLength(packetBytes, frames[at + FRAME.MTU]!);
      bytes.fill(0, body + packetBytes, body + plainBytes);

      writeWord(MESSAGE_TYPE.TRANSPORT, bytes, start);
      writeWord(frames[at + FRAME.RECEIVER]!, bytes, start + 4);
      writeWord(low, bytes, start + 8);
      writeWord(high, bytes, start + 12);
      key.seal(bytes, body, plainBytes, low, high);

      const length = HEADER_BYTES + plainBytes + TAG_BYTES;
      append(length, frames[at + FRAME.ENDPOINT]!, frames[at + FRAME.TOS]!);
      sent += length;
      low = (low + 1) >>> 0;
      if (low === 0) high = (high + 1) >>> 0;
    }
    frames[at + FRAME.SENT_BYTES] = sent;
  }

  return (count) => {
    run.start = REGIONS.SEND;
    run.end = REGIONS.SEND;
    for (let i = 0; i < count; i++) {
      const at = i * FRAME.WORDS;
      frames[at + FRAME.SENT_BYTES] = 0;
      const slot = frames[at + FRAME.KEY]!;
      const key = slot < 0 ? undefined : keyAt(slot);
      if (key) sealFrame(at, key);
    }
    flush();
  };
}
