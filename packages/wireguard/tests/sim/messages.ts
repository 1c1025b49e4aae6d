import { readWord } from '../../src/messages.ts';
import type { Sent, SimHost, SimNetwork } from './network.ts';

const TYPES = ['', 'initiation', 'response', 'cookie-reply', 'transport'] as const;

/** What a datagram is: a keepalive is a transport message of exactly 32 bytes. */
export function kindOf({ datagram }: Sent): string {
  const type = TYPES[readWord(datagram, 0)] ?? 'unknown';
  return type === 'transport' && datagram.length === 32 ? 'keepalive' : type;
}

/** The datagrams of one kind that a host has sent. */
export function sentBy(network: SimNetwork, host: SimHost, kind: string): Sent[] {
  return network.sent.filter((sent) => sent.from === host.address && kindOf(sent) === kind);
}
