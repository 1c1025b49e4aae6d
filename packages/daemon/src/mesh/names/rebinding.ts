import { isIpv4Mapped } from '@pcloud/ip';
import { type Message, type MessageRecord, TYPES } from './message.ts';

/** Parameters of SVCB and HTTPS records that hold addresses: RFC 9460 section 7.3. */
const IPV4_HINT = 4;
const IPV6_HINT = 6;

/** Whether an answer names an address of these, in whatever record a program could take it from. */
export function namesAddress(message: Message, isMeant: (address: Uint8Array) => boolean): boolean {
  return message.records.some((record) =>
    addressesOf(record).some((address) => isMeant(isIpv4Mapped(address) ? address.slice(12) : address)),
  );
}

function addressesOf({ type, data }: MessageRecord): Uint8Array[] {
  if (type === TYPES.A) return split(data, 4);
  if (type === TYPES.AAAA) return split(data, 16);
  return type === TYPES.SVCB || type === TYPES.HTTPS ? hintsOf(data) : [];
}

function hintsOf(data: Uint8Array): Uint8Array[] {
  const hints: Uint8Array[] = [];
  // The target has no pointers; after it, parameters to the end.
  let at = 2;
  while (at < data.length && data[at] !== 0) at += 1 + data[at]!;
  at += 1;
  while (at + 4 <= data.length) {
    const key = (data[at]! << 8) | data[at + 1]!;
    const end = at + 4 + ((data[at + 2]! << 8) | data[at + 3]!);
    const value = data.subarray(at + 4, end);
    if (key === IPV4_HINT) hints.push(...split(value, 4));
    if (key === IPV6_HINT) hints.push(...split(value, 16));
    at = end;
  }
  return hints;
}

function split(data: Uint8Array, length: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at + length <= data.length; at += length) parts.push(data.slice(at, at + length));
  return parts;
}
