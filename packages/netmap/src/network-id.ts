import { blake2s256, expectKey, utf8 } from './bytes.ts';
import { decodeBase32, encodeBase32 } from './text.ts';

const LABEL = utf8('pcloud/network/1');

/** The network's id, 32 bytes: BLAKE2s-256 of a label and the root's public key (Ed25519), which it thereby pins. */
export function networkId(rootPublicKey: Uint8Array): Uint8Array {
  expectKey('root public key', rootPublicKey);
  return blake2s256(LABEL, rootPublicKey);
}

/** 52 characters of base32 in lower case. */
export function formatNetworkId(id: Uint8Array): string {
  return encodeBase32(id);
}

/** The 32 bytes of an id, or undefined. */
export function parseNetworkId(text: string): Uint8Array | undefined {
  return decodeBase32(text, 32);
}
