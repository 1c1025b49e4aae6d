import { ipVersion } from '@pcloud/ip';
import { PART, type PacketView, type ReadResult } from './packet-view.ts';
import { readIpv4 } from './read-ipv4.ts';
import { readIpv6 } from './read-ipv6.ts';
import { readTransport } from './read-transport.ts';

const DATAGRAM_MAX = 65_535;

/**
 * Reads the packet of `length` bytes at `at` into the view. Checksums are the receiving kernel's to verify: a
 * packet with a wrong one is judged by the same bytes as a right one. Allocates nothing.
 */
export function readPacket(bytes: Uint8Array, at: number, length: number, view: PacketView): ReadResult {
  const version = length > 0 ? ipVersion(bytes, at) : 0;
  view.part = PART.WHOLE;
  view.end = at + length;
  let result: ReadResult = 'malformed-dropped';
  if (version === 4) result = readIpv4(bytes, at, length, view);
  else if (version === 6) result = readIpv6(bytes, at, length, view);
  if (result !== 'read') return result;
  if (view.part !== PART.WHOLE && !isFragmentSound(view)) return 'fragment-dropped';
  if (view.part === PART.LATER) return 'read';
  const isRead = readTransport(bytes, view);
  if (isRead) return 'read';
  // The first fragment has to have what decides (RFC 1858, RFC 7112).
  return view.part === PART.FIRST ? 'fragment-dropped' : 'malformed-dropped';
}

function isFragmentSound({ fragmentStart, fragmentBytes, hasMore }: PacketView): boolean {
  if (fragmentBytes === 0 || fragmentStart + fragmentBytes > DATAGRAM_MAX) return false;
  return !hasMore || fragmentBytes % 8 === 0;
}
