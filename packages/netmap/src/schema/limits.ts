/** Bytes of a message that a server takes from a node. */
export const MAX_NODE_MESSAGE_BYTES: number = 256 * 1024;

/** Most of each in one message; lengths in characters. */
export const LIMITS = {
  ENDPOINTS: 32,
  NAME: 63,
  TOKEN: 200,
  PROGRAM: 100,
  TEXT: 1000,
  TAGS: 32,
  ADDRESSES: 8,
  RELAYS: 64,
  NODES: 65_534,
} as const;
