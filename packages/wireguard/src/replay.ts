/**
 * The anti-replay window of a session: RFC 6479, a ring of bits that never shifts.
 *
 * RFC 6479 section 3.4 counts in 64-bit blocks; the ring here has the same 8192 bits in words of 32, because
 * that is what JavaScript computes with.
 */
import { REJECT_AFTER_MESSAGES_LOW } from './constants.ts';

const RING_BITS = 8192;
const RING_WORDS = RING_BITS / 32;
/** How far behind the greatest counter one may be: the ring without one 64-bit block. */
const WINDOW = RING_BITS - 64;
/** Behind the ring: the greatest counter, in two halves. In the array, so that storing one allocates nothing. */
const GREATEST_LOW = RING_WORDS;
const GREATEST_HIGH = RING_WORDS + 1;

/** Which counters of a session were seen. */
export interface ReplayWindow {
  /**
   * Marks a counter as seen; false when it was seen before, lies more than 8128 behind the greatest, or has
   * reached REJECT_AFTER_MESSAGES. Call it only for packets that were verified. Both halves are 32-bit words,
   * signed or unsigned. Allocates nothing.
   */
  accept(low: number, high: number): boolean;
  /** Forgets everything, for another session. */
  reset(): void;
}

/** A window in which nothing was seen: the first counter is 0. */
export function createReplayWindow(): ReplayWindow {
  const ring = new Int32Array(RING_WORDS + 2);

  return {
    accept(signedLow, signedHigh) {
      const low = signedLow >>> 0;
      const high = signedHigh >>> 0;
      if (high === 0xffff_ffff && low >= REJECT_AFTER_MESSAGES_LOW) return false;

      const greatestLow = ring[GREATEST_LOW]! >>> 0;
      const greatestHigh = ring[GREATEST_HIGH]! >>> 0;
      if (high > greatestHigh || (high === greatestHigh && low > greatestLow)) {
        advance(ring, greatestLow, distance(low, high, greatestLow, greatestHigh), low);
        ring[GREATEST_LOW] = low;
        ring[GREATEST_HIGH] = high;
      } else if (distance(greatestLow, greatestHigh, low, high) > WINDOW) {
        return false;
      }

      // 2^32 is a multiple of the ring, so the low half alone names the place.
      const word = (low >>> 5) & (RING_WORDS - 1);
      const bit = 1 << (low & 31);
      const seen = ring[word]!;
      ring[word] = seen | bit;
      return (seen & bit) === 0;
    },

    reset() {
      ring.fill(0);
    },
  };
}

/** How much greater one counter is than another that is not greater; `RING_BITS` stands for anything from there on. */
function distance(low: number, high: number, otherLow: number, otherHigh: number): number {
  const borrow = low < otherLow ? 1 : 0;
  if (high - otherHigh - borrow !== 0) return RING_BITS;
  return Math.min((low - otherLow) >>> 0, RING_BITS);
}

/** Clears the words between the greatest counter so far and the new one: at most the whole ring. */
function advance(ring: Int32Array, greatestLow: number, by: number, low: number): void {
  if (by >= RING_BITS) {
    ring.fill(0, 0, RING_WORDS);
    return;
  }
  const last = (low >>> 5) & (RING_WORDS - 1);
  let word = (greatestLow >>> 5) & (RING_WORDS - 1);
  // Less than a ring apart, yet a full turn of words is possible when the bits within the word wrap.
  let words = (last - word) & (RING_WORDS - 1);
  if (words === 0 && by >= 32) words = RING_WORDS;
  for (; words > 0; words--) {
    word = (word + 1) & (RING_WORDS - 1);
    ring[word] = 0;
  }
}
