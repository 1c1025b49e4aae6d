import { readUint32 } from '@pcloud/ip';
import { FRAGMENT_TIME, FRAGMENTED_PACKETS } from './constants.ts';
import type { PacketView } from './packet-view.ts';

/** Words of a record: what names the packet, and what is known of it. */
const WORDS = 14;
const KEY_WORDS = 10;
const FIRST_END = 10;
const RECEIVED = 11;
const TOTAL = 12;
const IS_BAD = 13;

/**
 * Fragmented packets of one node, whose first fragment was let in. The rest is let in as long as it does not
 * reach into the first, which has all that was decided by; a second first fragment ends the packet. Fragments
 * that come before the first are lost, as they are with any filter that keeps no packets.
 */
export class Fragments {
  private words: Int32Array | undefined;
  private expires: Float64Array | undefined;
  private next = 0;
  private readonly key: Int32Array = new Int32Array(KEY_WORDS);

  /** Whether this first fragment overlaps one that came before; the packet is lost then. */
  isRepeated(bytes: Uint8Array, view: PacketView, now: number): boolean {
    const at = this.find(bytes, view, now);
    if (at < 0) return false;
    this.words![at + IS_BAD] = 1;
    return true;
  }

  /** Notes a first fragment that is let in. */
  add(bytes: Uint8Array, view: PacketView, now: number): void {
    this.words ??= new Int32Array(FRAGMENTED_PACKETS * WORDS);
    this.expires ??= new Float64Array(FRAGMENTED_PACKETS).fill(Number.NEGATIVE_INFINITY);
    this.writeKey(bytes, view);
    const at = this.next * WORDS;
    this.words.set(this.key, at);
    this.words[at + FIRST_END] = view.fragmentBytes;
    this.words[at + RECEIVED] = view.fragmentBytes;
    this.words[at + TOTAL] = 0;
    this.words[at + IS_BAD] = 0;
    this.expires[this.next] = now + FRAGMENT_TIME;
    this.next = (this.next + 1) % FRAGMENTED_PACKETS;
  }

  /** Whether a fragment other than the first is let in. */
  accept(bytes: Uint8Array, view: PacketView, now: number): boolean {
    const at = this.find(bytes, view, now);
    if (at < 0) return false;
    const words = this.words!;
    if (view.fragmentStart < words[at + FIRST_END]!) words[at + IS_BAD] = 1;
    if (words[at + IS_BAD] === 1) return false;
    words[at + RECEIVED] = words[at + RECEIVED]! + view.fragmentBytes;
    if (!view.hasMore) words[at + TOTAL] = view.fragmentStart + view.fragmentBytes;
    // It is whole: its identification may come again.
    const isWhole = words[at + TOTAL]! > 0 && words[at + RECEIVED]! >= words[at + TOTAL]!;
    if (isWhole) this.expires![at / WORDS] = Number.NEGATIVE_INFINITY;
    return true;
  }

  /** Forgets all. */
  clear(): void {
    this.expires?.fill(Number.NEGATIVE_INFINITY);
  }

  private find(bytes: Uint8Array, view: PacketView, now: number): number {
    const { words, expires, key } = this;
    if (words === undefined || expires === undefined) return -1;
    this.writeKey(bytes, view);
    for (let record = 0; record < FRAGMENTED_PACKETS; record++) {
      if (expires[record]! <= now) continue;
      const at = record * WORDS;
      let i = 0;
      while (i < KEY_WORDS && words[at + i] === key[i]) i++;
      if (i === KEY_WORDS) return at;
    }
    return -1;
  }

  // RFC 791 section 2.3 has the protocol in it; RFC 8200 section 4.5 has not.
  private writeKey(bytes: Uint8Array, view: PacketView): void {
    const { key } = this;
    key.fill(0);
    key[0] = view.fragmentId;
    key[1] = view.isV6 ? -1 : view.protocol;
    const words = view.isV6 ? 4 : 1;
    for (let i = 0; i < words; i++) {
      key[2 + i] = readUint32(bytes, view.source + 4 * i);
      key[6 + i] = readUint32(bytes, view.destination + 4 * i);
    }
  }
}
