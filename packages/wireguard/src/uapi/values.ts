/** The values of fields, read strictly and out of bytes, so that keys never become strings. */
import { parseEndpoint, parsePrefix } from '@pcloud/ip';
import { KEY_BYTES } from '../constants.ts';
import { WireGuardError } from '../errors.ts';

/** No text value is longer; what is, is not read. */
const MAX_TEXT_BYTES = 256;
const SHOWN_CHARACTERS = 80;

/** A text value; one that is too long for any field is cut, which makes it wrong. */
export function readText(value: Uint8Array): string {
  return String.fromCharCode(...value.subarray(0, MAX_TEXT_BYTES));
}

/** 64 hexadecimal digits. @throws WireGuardError INVALID_KEY, without the value */
export function readKey(field: string, value: Uint8Array): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  let wrong = value.length === 2 * KEY_BYTES ? 0 : 1;
  for (let i = 0; i < KEY_BYTES && wrong === 0; i++) {
    const high = hexDigit(value[2 * i]!);
    const low = hexDigit(value[2 * i + 1]!);
    wrong = (high | low) >> 8;
    key[i] = (high << 4) | low;
  }
  if (wrong === 0) return key;
  key.fill(0);
  throw new WireGuardError('INVALID_KEY', `${field}: expected ${2 * KEY_BYTES} hex digits, got ${describe(value)}`);
}

/** A decimal number. @throws WireGuardError INVALID_VALUE */
export function readNumber(field: string, value: Uint8Array, most: number): number {
  const text = readText(value);
  const number = Number(text);
  if (/^[0-9]+$/.test(text) && value.length <= MAX_TEXT_BYTES && number <= most) return number;
  throw invalid(field, `a number from 0 to ${most}`, value);
}

/** The only value that a flag or a version can have. @throws WireGuardError INVALID_VALUE */
export function readOnly(field: string, value: Uint8Array, expected: string): void {
  if (readText(value) !== expected) throw invalid(field, JSON.stringify(expected), value);
}

/** An endpoint record. @throws WireGuardError INVALID_VALUE */
export function readEndpoint(
  field: string,
  value: Uint8Array,
  interfaceIndex: (name: string) => number | undefined,
): Int32Array {
  const endpoint = parseEndpoint(readText(value), interfaceIndex);
  if (endpoint === undefined) throw invalid(field, 'IP:port or [IP]:port', value);
  return endpoint;
}

/** A prefix, which must have a length, behind a `-` where it is to be removed. @throws WireGuardError INVALID_VALUE */
export function readAllowedIp(
  field: string,
  value: Uint8Array,
): { address: Uint8Array; length: number; isRemoval: boolean } {
  const text = readText(value);
  const isRemoval = text.startsWith('-');
  const prefix = text.includes('/') ? parsePrefix(isRemoval ? text.slice(1) : text) : undefined;
  if (prefix === undefined) throw invalid(field, 'IP/length or -IP/length', value);
  return { address: prefix.address, length: prefix.length, isRemoval };
}

function invalid(field: string, expected: string, value: Uint8Array): WireGuardError {
  const text = readText(value);
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
  return new WireGuardError('INVALID_VALUE', `${field}: expected ${expected}, got ${JSON.stringify(shown)}`);
}

function describe(value: Uint8Array): string {
  return value.length === 2 * KEY_BYTES ? 'another character among them' : `${value.length} characters`;
}

/** 0 to 15, or 256. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : 256;
}
