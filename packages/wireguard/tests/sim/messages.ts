import { ascii } from '../../src/bytes.ts';
import { createNobleCrypto } from '../../src/index.ts';
import { readWord } from '../../src/messages.ts';
import type { Sent, SimHost, SimNetwork } from './network.ts';

const crypto = createNobleCrypto();
const TYPES = ['', 'initiation', 'response', 'cookie-reply', 'transport'] as const;

/** What a datagram is: a keepalive is a transport message of exactly 32 bytes. */
export function kindOf({ datagram }: Sent): string {
  const type = TYPES[readWord(datagram, 0)] ?? 'unknown';
  return type === 'transport' && datagram.length === 32 ? 'keepalive' : type;
}

/** The counter of a transport message. */
export function counterOf({ datagram }: Pick<Sent, 'datagram'>): bigint {
  return new DataView(datagram.buffer, datagram.byteOffset).getBigUint64(8, true);
}

/** Signs a handshake message for a host anew, as anybody can who knows its public key. */
export function signFor({ device }: SimHost, message: Uint8Array): Uint8Array {
  const at = message.length - 32;
  message.set(crypto.mac(crypto.hash(ascii('mac1----'), device.publicKey!), message.subarray(0, at)), at);
  return message;
}

/** The datagrams of one kind that a host has sent. */
export function sentBy(network: SimNetwork, host: SimHost, kind: string): Sent[] {
  return network.sent.filter((sent) => sent.from === host.address && kindOf(sent) === kind);
}
