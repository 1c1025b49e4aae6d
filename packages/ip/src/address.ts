/**
 * IP addresses as bytes (4 or 16, network order) and as text.
 * Text is read strictly as in RFC 4291 section 2.2 (no octal, no leading zeros in IPv4, no scope) and
 * written as in RFC 5952.
 */

/** Reads an IPv4 or IPv6 address: 4 or 16 bytes, or undefined. A scope (`%2`) belongs to an endpoint and is refused. */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/**
 * Writes an address as text; an IPv4-mapped one as `::ffff:1.2.3.4` (RFC 5952 section 5).
 * @param bytes 4 or 16 bytes
 * @throws RangeError for another length
 */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length === 16) return formatIpv6(bytes);
  throw new RangeError(`"bytes" expected Uint8Array of length 4 or 16, got ${bytes.length}`);
}

/** Whether 16 bytes are an IPv4 address inside IPv6, `::ffff:0:0/96` (RFC 4291 section 2.5.5.2). */
export function isIpv4Mapped(bytes: Uint8Array): boolean {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return false;
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Whether 16 bytes are a unicast link-local address, `fe80::/10`, which only a scope makes whole. */
export function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}

const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const GROUP = /^[0-9a-fA-F]{1,4}$/;

function parseIpv4(text: string): Uint8Array | undefined {
  if (text.length > 15) return undefined;
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = parts[i]!;
    if (!OCTET.test(part) || Number(part) > 255) return undefined;
    bytes[i] = Number(part);
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const compressed = halves.length === 2;
  const head = parseGroups(halves[0]!, !compressed);
  const tail = compressed ? parseGroups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const groups = head.length + tail.length;
  // "::" stands for one group of zeros or more.
  if (compressed ? groups > 7 : groups !== 8) return undefined;
  const bytes = new Uint8Array(16);
  writeGroups(head, bytes, 0);
  writeGroups(tail, bytes, 16 - 2 * tail.length);
  return bytes;
}

/** The 16-bit groups of one side of a `::`; dotted IPv4 may end the text. */
function parseGroups(text: string, endsAddress: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const quad = endsAddress && i === parts.length - 1 ? parseIpv4(part) : undefined;
    if (quad === undefined) return undefined;
    groups.push((quad[0]! << 8) | quad[1]!, (quad[2]! << 8) | quad[3]!);
  }
  return groups;
}

function writeGroups(groups: readonly number[], bytes: Uint8Array, at: number): void {
  for (const [i, group] of groups.entries()) {
    bytes[at + 2 * i] = group >> 8;
    bytes[at + 2 * i + 1] = group & 0xff;
  }
}

function formatIpv6(bytes: Uint8Array): string {
  if (isIpv4Mapped(bytes)) return `::ffff:${bytes.subarray(12).join('.')}`;
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16));
  const run = longestZeroRun(groups);
  // RFC 5952 section 4.2.2: a single group is not shortened.
  if (run.length < 2) return groups.join(':');
  return `${groups.slice(0, run.start).join(':')}::${groups.slice(run.start + run.length).join(':')}`;
}

/** RFC 5952 section 4.2.3: the longest, and the first among equals. */
function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  const best = { start: 0, length: 0 };
  let length = 0;
  for (let i = 0; i < groups.length; i++) {
    length = groups[i] === '0' ? length + 1 : 0;
    if (length > best.length) {
      best.length = length;
      best.start = i - length + 1;
    }
  }
  return best;
}
