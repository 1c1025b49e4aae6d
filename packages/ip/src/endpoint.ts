/**
 * An endpoint as a record of sixteen 32-bit words in an `Int32Array`, so that a table of them is one
 * buffer that C reads too, roaming is a copy of words, and comparing two costs no allocation.
 *
 * Addresses stand in network byte order exactly as they are on the wire: an IPv4 address in the first of
 * its four words, an IPv6 address in all four.
 */
export const ENDPOINT = {
  /** Words a record. */
  WORDS: 16,
  /** 0 (no endpoint), 4 or 6. */
  FAMILY: 0,
  /** UDP port, host order. */
  PORT: 1,
  /** Remote address, four words. */
  ADDRESS: 2,
  /** IPv6 scope of a link-local remote address. */
  SCOPE: 6,
  /** 1 when a sticky source is known, else 0. */
  HAS_SOURCE: 7,
  /** Local address that the peer used to reach us, four words. */
  SOURCE: 8,
  /** Interface index that the peer's packet arrived on. */
  SOURCE_INTERFACE: 12,
  /** Written by the data plane: 1 when UDP segmentation is off on this path. */
  NO_SEGMENTATION: 13,
} as const;
