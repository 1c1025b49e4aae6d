import { ENDPOINT } from '@pcloud/ip';
import { equalBytes } from './bytes.ts';

/** Keys that are remembered; of more, the oldest is forgotten. */
const MOST = 64;
/** Whoever asked longer ago asks again by itself: REKEY_TIMEOUT, and a margin. Milliseconds. */
const MEMORY_TIME = 6_000;

/**
 * Who proved a key that no peer has, and from where. A peer that is added a moment after its first initiation
 * can be answered at once, where it would try again only after REKEY_TIMEOUT. Memory of a fixed size.
 */
export interface Strangers {
  /** The key's holder, or who replays a message of it, sent an initiation from the endpoint in `slot`. */
  note(publicKey: Uint8Array, endpoints: Int32Array, slot: number, now: number): void;
  /** The endpoint record that the key was last seen at, and forgets it; undefined when that was not just now. */
  take(publicKey: Uint8Array, now: number): Int32Array | undefined;
}

export function createStrangers(): Strangers {
  const keys = Array.from({ length: MOST }, () => new Uint8Array(32));
  const records = Array.from({ length: MOST }, () => new Int32Array(ENDPOINT.WORDS));
  const times = new Float64Array(MOST).fill(Number.NEGATIVE_INFINITY);
  let next = 0;

  const find = (publicKey: Uint8Array): number => keys.findIndex((key) => equalBytes(key, publicKey));

  return {
    note(publicKey, endpoints, slot, now) {
      let at = find(publicKey);
      if (at < 0) {
        at = next;
        next = (next + 1) % MOST;
        keys[at]!.set(publicKey);
      }
      const from = slot * ENDPOINT.WORDS;
      records[at]!.set(endpoints.subarray(from, from + ENDPOINT.WORDS));
      times[at] = now;
    },
    take(publicKey, now) {
      const at = find(publicKey);
      if (at < 0 || now - times[at]! > MEMORY_TIME) return undefined;
      times[at] = Number.NEGATIVE_INFINITY;
      return records[at]!.slice();
    },
  };
}
