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
  REVOCATIONS: 500_000,
  /** Of a filter, and in one of its rules. */
  RULES: 4_000,
  SELECTORS: 70_000,
  PORTS: 64,
  PROTOCOLS: 16,
} as const;

/** Bytes of one node in a map: its name and tags as long as a coordinator lets them be are below 900. */
const MAX_NODE_BYTES = 1_024;

/** Bytes of a message that a node takes from its server: the whole map of a network with as many nodes as there may be. */
export const MAX_SERVER_MESSAGE_BYTES: number = LIMITS.NODES * MAX_NODE_BYTES;
