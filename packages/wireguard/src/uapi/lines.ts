const NEWLINE = 0x0a;
const NOTHING = new Uint8Array(0);

/** Longest line, bytes without its end. No field comes near. */
export const MAX_LINE_BYTES = 65_536;

/**
 * Cuts a stream of bytes into lines, wherever its chunks are split. Lines are handed out as views, so that
 * whoever takes one can zero it; only an unfinished line is kept, and it is zeroed once it moves on.
 */
export interface LineReader {
  /** Takes a chunk; `next` gives its lines. The chunk is kept until the last of them was taken. */
  push(chunk: Uint8Array): void;
  /** The next whole line without its end, or undefined when more bytes are needed. Valid until the next call. */
  next(): Uint8Array | undefined;
  /** What is left at the end of the stream: a line that has no end. */
  rest(): Uint8Array;
  /** The unfinished line has grown over MAX_LINE_BYTES, or a whole one had. */
  readonly isTooLong: boolean;
  /** Zeroes and forgets everything. */
  clear(): void;
}

export function createLineReader(): LineReader {
  let chunk: Uint8Array = NOTHING;
  let at = 0;
  let kept: Uint8Array = NOTHING;
  let keptLength = 0;
  let isTooLong = false;

  const keep = (bytes: Uint8Array): void => {
    const needed = keptLength + bytes.length;
    if (needed > kept.length) {
      const larger = new Uint8Array(Math.max(needed, 256, 2 * kept.length));
      larger.set(kept);
      kept.fill(0);
      kept = larger;
    }
    kept.set(bytes, keptLength);
    keptLength = needed;
    bytes.fill(0);
  };

  const takeKept = (): Uint8Array => {
    const line = kept.subarray(0, keptLength);
    keptLength = 0;
    return line;
  };

  return {
    get isTooLong() {
      return isTooLong;
    },
    push(bytes) {
      chunk = bytes;
      at = 0;
    },
    next() {
      if (isTooLong) return undefined;
      const end = chunk.indexOf(NEWLINE, at);
      const part = chunk.subarray(at, end < 0 ? chunk.length : end);
      if (keptLength + part.length > MAX_LINE_BYTES) {
        isTooLong = true;
        return undefined;
      }
      at = end < 0 ? chunk.length : end + 1;
      if (end >= 0 && keptLength === 0) return part;
      keep(part);
      return end < 0 ? undefined : takeKept();
    },
    rest: takeKept,
    clear() {
      chunk.fill(0);
      kept.fill(0);
      chunk = NOTHING;
      at = 0;
      keptLength = 0;
    },
  };
}
