import { type Batch, DATAGRAM } from './batch.ts';
import type { TransportKey } from './crypto.ts';

const HEADER_BYTES = 16;
const TAG_BYTES = 16;

/**
 * Opens in place those of the first `count` datagrams that have a key, and notes the bytes of plaintext
 * in each, or -1. Whitepaper 5.4.6; the readable twin of what the addon does.
 */
export function openDatagrams(batch: Batch, count: number, keyAt: (slot: number) => TransportKey | undefined): void {
  const { bytes, datagrams } = batch;
  for (let i = 0; i < count; i++) {
    const at = i * DATAGRAM.WORDS;
    const slot = datagrams[at + DATAGRAM.KEY]!;
    if (slot < 0) continue;
    const key = keyAt(slot);
    const sealedBytes = datagrams[at + DATAGRAM.LENGTH]! - HEADER_BYTES;
    const opened =
      key !== undefined &&
      sealedBytes >= TAG_BYTES &&
      key.open(
        bytes,
        datagrams[at + DATAGRAM.OFFSET]! + HEADER_BYTES,
        sealedBytes,
        datagrams[at + DATAGRAM.COUNTER_LOW]! >>> 0,
        datagrams[at + DATAGRAM.COUNTER_HIGH]! >>> 0,
      );
    datagrams[at + DATAGRAM.OPENED] = opened ? sealedBytes - TAG_BYTES : -1;
  }
}
