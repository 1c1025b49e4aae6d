import { readFileSync } from 'node:fs';

/** Wycheproof, X25519. `shared` is all zeros where the point has a low order. */
export interface X25519Vector {
  id: number;
  flags: string[];
  private: string;
  public: string;
  shared: string;
}

/** Wycheproof, an AEAD under any nonce. */
export interface AeadVector {
  id: number;
  flag: string;
  key: string;
  nonce: string;
  aad: string;
  msg: string;
  ct: string;
  tag: string;
  valid: boolean;
}

/** ChaCha20-Poly1305 as WireGuard uses it. */
export interface WireGuardAeadVector {
  kind: 'transport' | 'handshake';
  key: string;
  counter?: string;
  aad?: string;
  msg: string;
  sealed: string;
}

export interface Blake2sVector {
  kind: 'keyed-256' | 'hash' | 'mac' | 'hmac';
  key: string;
  input: string;
  output: string;
}

/** The tests of `vectors/<name>.json`; an empty file is an error, as it would pass anything. */
export function loadVectors<T>(name: string): T[] {
  const text = readFileSync(new URL(`./vectors/${name}.json`, import.meta.url), 'utf8');
  const { tests } = JSON.parse(text) as { tests: T[] };
  if (tests.length === 0) throw new Error(`vectors/${name}.json holds no tests`);
  return tests;
}

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

export function hex(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString('hex');
}

/** 0, 1, 2, … */
export function sequence(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i & 255);
}

/** A 64-bit counter as the two unsigned halves that transport keys take. */
export function halves(counter: bigint): [low: number, high: number] {
  return [Number(counter & 0xffffffffn), Number(counter >> 32n)];
}
