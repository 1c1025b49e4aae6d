/** Where things stand in handshake messages (whitepaper 5.4). All integers little-endian. */

export const MESSAGE_TYPE = { INITIATION: 1, RESPONSE: 2, COOKIE_REPLY: 3, TRANSPORT: 4 } as const;

export const INITIATION = {
  BYTES: 148,
  SENDER: 4,
  EPHEMERAL: 8,
  STATIC: 40,
  STATIC_END: 88,
  TIMESTAMP: 88,
  TIMESTAMP_END: 116,
  MAC1: 116,
  MAC2: 132,
} as const;

export const RESPONSE = {
  BYTES: 92,
  SENDER: 4,
  RECEIVER: 8,
  EPHEMERAL: 12,
  EMPTY: 44,
  EMPTY_END: 60,
  MAC1: 60,
  MAC2: 76,
} as const;

export const COOKIE_REPLY = { BYTES: 64, RECEIVER: 4, NONCE: 8, COOKIE: 32 } as const;

/** Reads an unsigned 32-bit little-endian word. */
export function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** Writes a 32-bit little-endian word. */
export function writeWord(value: number, out: Uint8Array, at: number): void {
  out[at] = value;
  out[at + 1] = value >>> 8;
  out[at + 2] = value >>> 16;
  out[at + 3] = value >>> 24;
}
