import { type Batch, DATAGRAM, FRAME } from '@pcloud/wireguard';
import type { PacketFilter } from './packet-filter.ts';

/** Where the driver asks the filter: after the device has decided on a batch, before its decisions are done. */
export interface BatchFilter {
  /** Of the first `count` frames that have a key, those that may not go out lose it. */
  handleFrames(count: number, now: number): void;
  /** Of the first `count` datagrams that are to be delivered, those that may not come in are not. */
  handleOpened(count: number, now: number): void;
}

const NO_KEY = -1;
/** Bytes of a transport message in front of the packet. */
const HEADER_BYTES = 16;

/** Asks `filter` about the packets of a batch. */
export function createBatchFilter(filter: Pick<PacketFilter, 'inbound' | 'outbound'>, batch: Batch): BatchFilter {
  const { bytes, frames, datagrams, senders } = batch;
  return {
    handleFrames(count, now) {
      for (let index = 0; index < count; index++) {
        const at = index * FRAME.WORDS;
        const length = frames[at + FRAME.LENGTH]!;
        // A keepalive is nobody's packet.
        if (frames[at + FRAME.KEY]! < 0 || length === 0) continue;
        const verdict = filter.outbound(frames[at + FRAME.ENDPOINT]!, bytes, frames[at + FRAME.OFFSET]!, length, now);
        if (verdict !== 'pass') frames[at + FRAME.KEY] = NO_KEY;
      }
    },
    handleOpened(count, now) {
      for (let index = 0; index < count; index++) {
        const at = index * DATAGRAM.WORDS;
        const length = datagrams[at + DATAGRAM.DELIVER]!;
        if (length === 0) continue;
        const verdict = filter.inbound(
          senders[index]!,
          bytes,
          datagrams[at + DATAGRAM.OFFSET]! + HEADER_BYTES,
          length,
          now,
        );
        if (verdict !== 'pass') datagrams[at + DATAGRAM.DELIVER] = 0;
      }
    },
  };
}
