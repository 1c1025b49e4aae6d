/** Inner packets for the filter's tests, written out field by field. */
import { parseAddress } from '@pcloud/ip';

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const ACK = 16;

export interface Fragment {
  readonly id: number;
  /** Bytes of the payload in front of it: a multiple of 8. */
  readonly start: number;
  readonly more: boolean;
}

export interface IpFields {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly fragment?: Fragment;
  /** IPv6 extension headers, each whole but for its first byte, after the protocol number that leads to it. */
  readonly headers?: readonly (readonly [number, readonly number[]])[];
  /** IPv4 options, a multiple of 4 bytes. */
  readonly options?: readonly number[];
}

const word = (value: number): number[] => [(value >> 8) & 255, value & 255];

export function ip(fields: IpFields): Uint8Array {
  const from = parseAddress(fields.from)!;
  const to = parseAddress(fields.to)!;
  return from.length === 4 ? ipv4(fields, from, to) : ipv6(fields, from, to);
}

function ipv4({ protocol, payload, fragment, options = [] }: IpFields, from: Uint8Array, to: Uint8Array): Uint8Array {
  const header = 20 + options.length;
  const { id = 7, start = 0, more = false } = fragment ?? {};
  const place = (start / 8) | (more ? 0x2000 : 0);
  const total = word(header + payload.length);
  return Uint8Array.of(
    ...[0x40 | (header / 4), 0, ...total, ...word(id), ...word(place), 64, protocol, 0, 0, ...from, ...to],
    ...options,
    ...payload,
  );
}

function ipv6({ protocol, payload, fragment, headers = [] }: IpFields, from: Uint8Array, to: Uint8Array): Uint8Array {
  const all = [...headers];
  if (fragment) {
    const place = fragment.start | (fragment.more ? 1 : 0);
    all.push([44, [0, ...word(place), 0, 0, ...word(fragment.id)]]);
  }
  const chain = all.flatMap(([, rest], index) => [all[index + 1]?.[0] ?? protocol, ...rest]);
  const first = all[0]?.[0] ?? protocol;
  return Uint8Array.of(
    0x60,
    0,
    0,
    0,
    ...word(chain.length + payload.length),
    first,
    64,
    ...from,
    ...to,
    ...chain,
    ...payload,
  );
}

export function tcpBytes(sourcePort: number, destinationPort: number, flags: number, data = 0): Uint8Array {
  const bytes = new Uint8Array(20 + data);
  bytes.set([...word(sourcePort), ...word(destinationPort), 0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags]);
  return bytes;
}

export function udpBytes(sourcePort: number, destinationPort: number, data = 8): Uint8Array {
  const bytes = new Uint8Array(8 + data);
  bytes.set([...word(sourcePort), ...word(destinationPort), ...word(8 + data)]);
  return bytes;
}

export function icmpBytes(type: number, id: number, quoted: Uint8Array = new Uint8Array(0)): Uint8Array {
  return Uint8Array.of(type, 0, 0, 0, ...word(id), 0, 1, ...quoted);
}

export function split(end: string): { address: string; port: number } {
  const colon = end.lastIndexOf(':');
  return { address: end.slice(0, colon).replace(/[[\]]/g, ''), port: Number(end.slice(colon + 1)) };
}

export function tcp(from: string, to: string, flags: number, data = 0): Uint8Array {
  const [a, b] = [split(from), split(to)];
  return ip({ from: a.address, to: b.address, protocol: 6, payload: tcpBytes(a.port, b.port, flags, data) });
}

export function udp(from: string, to: string, data = 8): Uint8Array {
  const [a, b] = [split(from), split(to)];
  return ip({ from: a.address, to: b.address, protocol: 17, payload: udpBytes(a.port, b.port, data) });
}

export function echo(from: string, to: string, id: number, isReply = false): Uint8Array {
  const isV6 = from.includes(':');
  const type = isV6 ? (isReply ? 129 : 128) : isReply ? 0 : 8;
  return ip({ from, to, protocol: isV6 ? 58 : 1, payload: icmpBytes(type, id) });
}

/** "Unreachable", about a packet. */
export function unreachable(from: string, to: string, about: Uint8Array): Uint8Array {
  const isV6 = from.includes(':');
  return ip({ from, to, protocol: isV6 ? 58 : 1, payload: icmpBytes(isV6 ? 1 : 3, 0, about.subarray(0, 68)) });
}
