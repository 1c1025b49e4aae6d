/**
 * The Internet checksum (RFC 1071). Sums are 16-bit words in network order, added in one's complement; a
 * sum may be passed on unfolded as long as it stays below 2^32, which 64 KB of data and some words do.
 */

/** Adds `length` bytes at `at` to a sum; an odd last byte counts as the high half of a word. Unfolded. */
export function addBytes(sum: number, bytes: Uint8Array, at: number, length: number): number {
  const even = at + (length & ~1);
  let total = sum;
  for (let i = at; i < even; i += 2) total += (bytes[i]! << 8) | bytes[i + 1]!;
  return length & 1 ? total + (bytes[even]! << 8) : total;
}

/** Folds a sum below 2^32 to 16 bits. */
export function foldSum(sum: number): number {
  const once = (sum >>> 16) + (sum & 0xffff);
  return ((once >>> 16) + once) & 0xffff;
}

/** The checksum to store for `length` bytes at `at`; 0 when a stored one is among the bytes and is right. */
export function internetChecksum(bytes: Uint8Array, at: number, length: number, sum = 0): number {
  return ~foldSum(addBytes(sum, bytes, at, length)) & 0xffff;
}

/**
 * The sum of the pseudo-header of the IP packet at `at` (RFC 9293 section 3.1, RFC 8200 section 8.1), folded.
 * @param length bytes of transport header and payload
 */
export function pseudoHeaderSum(bytes: Uint8Array, at: number, protocol: number, length: number): number {
  const addresses = bytes[at]! >> 4 === 4 ? addBytes(0, bytes, at + 12, 8) : addBytes(0, bytes, at + 8, 32);
  return foldSum(addresses + protocol + (length >>> 16) + (length & 0xffff));
}

/** A stored checksum after one 16-bit word it covers changed: HC' = ~(~HC + ~m + m') (RFC 1624 section 3). */
export function updateChecksum(checksum: number, before: number, after: number): number {
  return ~foldSum((~checksum & 0xffff) + (~before & 0xffff) + after) & 0xffff;
}
