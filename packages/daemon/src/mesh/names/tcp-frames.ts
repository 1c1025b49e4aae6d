/** Messages over TCP, each behind its length: RFC 1035 section 4.2.2. */

export function writeFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(2 + message.length);
  new DataView(frame.buffer).setUint16(0, message.length);
  frame.set(message, 2);
  return frame;
}

/** A function that takes what comes, in pieces of any size, and passes on whole messages. */
export function createFrameReader(take: (message: Uint8Array) => void): (chunk: Uint8Array) => void {
  let rest: Uint8Array = new Uint8Array(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 2) {
      const end = 2 + ((rest[0]! << 8) | rest[1]!);
      if (rest.length < end) return;
      const message = rest.slice(2, end);
      rest = rest.subarray(end);
      take(message);
    }
  };
}
