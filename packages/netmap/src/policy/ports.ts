/** Ports and IP protocols as a policy writes them. */

/** First and last, both included. */
export type PortRange = readonly [first: number, last: number];

/** `*`. From 0, which stands for the port of a protocol that has none. */
export const ALL_PORTS: readonly PortRange[] = [[0, 65_535]];

/** Names that a rule's `proto` may have, with IANA's numbers; ICMP is that of both families. */
const PROTOCOL_NAMES: Readonly<Record<string, readonly number[]>> = {
  icmp: [1, 58],
  igmp: [2],
  ipv4: [4],
  tcp: [6],
  egp: [8],
  igp: [9],
  udp: [17],
  dccp: [33],
  ipv6: [41],
  gre: [47],
  esp: [50],
  ah: [51],
  'ipv6-icmp': [58],
  sctp: [132],
};

const NUMBER = /^(?:0|[1-9][0-9]{0,4})$/;

/** Whether a rule's ports count for the protocol: TCP, UDP, SCTP. */
export function hasPorts(protocol: number): boolean {
  return protocol === 6 || protocol === 17 || protocol === 132;
}

/** What people call a protocol. */
export function protocolName(protocol: number): string {
  const known = Object.entries(PROTOCOL_NAMES).find(([, [first]]) => first === protocol);
  return known?.[0] ?? `protocol ${protocol}`;
}

/** The numbers of a name, or of a number from 0 to 255 as text; undefined for anything else. */
export function parseProtocol(text: string): readonly number[] | undefined {
  if (Object.hasOwn(PROTOCOL_NAMES, text)) return PROTOCOL_NAMES[text];
  return NUMBER.test(text) && Number(text) <= 255 ? [Number(text)] : undefined;
}

/** Reads `*` or `22,80-443`, ports from 1: in order, none twice. Undefined when it is neither, or of too many parts. */
export function parsePorts(text: string, maxRanges: number): readonly PortRange[] | undefined {
  if (text === '*') return ALL_PORTS;
  const parts = text.split(',', maxRanges + 1);
  if (parts.length > maxRanges) return undefined;
  const ranges: PortRange[] = [];
  for (const part of parts) {
    const [first, last = first, ...more] = part.split('-');
    if (!NUMBER.test(first!) || !NUMBER.test(last!) || more.length > 0) return undefined;
    if (Number(first) < 1 || Number(last) > 65_535 || Number(first) > Number(last)) return undefined;
    ranges.push([Number(first), Number(last)]);
  }
  return joinPorts(ranges);
}

export function includesPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(([first, last]) => first <= port && port <= last);
}

/** The same ports in as few ranges as there can be, in order. */
export function joinPorts(ranges: readonly PortRange[]): PortRange[] {
  const joined: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = joined.at(-1);
    if (before === undefined || range[0] > before[1] + 1) joined.push(range);
    else joined[joined.length - 1] = [before[0], Math.max(before[1], range[1])];
  }
  return joined;
}

/** The ports that are in the list and in the range. */
export function commonPorts(ranges: readonly PortRange[], [first, last]: PortRange): PortRange[] {
  return ranges
    .map(([from, to]): PortRange => [Math.max(from, first), Math.min(to, last)])
    .filter(([least, most]) => least <= most);
}

/** The ports that are in the first and not in the second. */
export function withoutPorts(ranges: readonly PortRange[], removed: readonly PortRange[]): PortRange[] {
  let left = [...ranges];
  for (const [first, last] of removed) {
    left = left.flatMap(([from, to]) => {
      const parts: PortRange[] = [
        [from, Math.min(to, first - 1)],
        [Math.max(from, last + 1), to],
      ];
      return parts.filter(([least, most]) => least <= most);
    });
  }
  return left;
}
