/** Packets for tests, built field by field from the RFCs' figures and apart from the code under test. */

export interface PacketOptions {
  readonly source?: readonly number[];
  readonly destination?: readonly number[];
  readonly protocol?: number;
  readonly tos?: number;
  readonly id?: number;
  /** IPv4 flags and fragment offset. */
  readonly fragment?: number;
  readonly ttl?: number;
  /** IPv4 options or IPv6 extension headers. */
  readonly options?: readonly number[];
  readonly payload?: Iterable<number>;
}

export const V4_SOURCE: readonly number[] = [10, 0, 0, 1];
export const V4_DESTINATION: readonly number[] = [10, 0, 0, 2];
export const V6_SOURCE: readonly number[] = [0xfd, ...new Array<number>(14).fill(0), 1];
export const V6_DESTINATION: readonly number[] = [0xfd, ...new Array<number>(14).fill(0), 2];

/** Sums with carries taken as they come: the slow and obvious twin. */
export function obviousChecksum(bytes: Iterable<number>): number {
  const all = Array.from(bytes);
  if (all.length % 2 === 1) all.push(0);
  let sum = 0;
  for (let i = 0; i < all.length; i += 2) {
    sum += all[i]! * 256 + all[i + 1]!;
    if (sum > 0xffff) sum -= 0xffff;
  }
  return 0xffff - sum;
}

const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];

export function ipv4(options: PacketOptions = {}): Uint8Array {
  const extra = options.options ?? [];
  const payload = Array.from(options.payload ?? []);
  const header = [
    0x45 + extra.length / 4,
    options.tos ?? 0,
    ...u16(20 + extra.length + payload.length),
    ...u16(options.id ?? 0),
    ...u16(options.fragment ?? 0x4000),
    options.ttl ?? 64,
    options.protocol ?? 17,
    0,
    0,
    ...(options.source ?? V4_SOURCE),
    ...(options.destination ?? V4_DESTINATION),
    ...extra,
  ];
  const checksum = obviousChecksum(header);
  header[10] = checksum >> 8;
  header[11] = checksum & 0xff;
  return Uint8Array.from([...header, ...payload]);
}

export function ipv6(options: PacketOptions = {}): Uint8Array {
  const extra = options.options ?? [];
  const payload = Array.from(options.payload ?? []);
  const tos = options.tos ?? 0;
  return Uint8Array.from([
    0x60 | (tos >> 4),
    (tos & 0x0f) << 4,
    0,
    0,
    ...u16(extra.length + payload.length),
    options.protocol ?? 17,
    options.ttl ?? 64,
    ...(options.source ?? V6_SOURCE),
    ...(options.destination ?? V6_DESTINATION),
    ...extra,
    ...payload,
  ]);
}

/** The checksum over pseudo-header and transport bytes; 0 when the one among them is right. */
export function transportChecksum(packet: Uint8Array, offset: number, protocol: number): number {
  const addresses = packet[0]! >> 4 === 4 ? packet.subarray(12, 20) : packet.subarray(8, 40);
  const transport = packet.subarray(offset);
  return obviousChecksum([...addresses, 0, protocol, ...u16(transport.length), ...transport]);
}
