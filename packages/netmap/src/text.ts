/**
 * Bytes as text: RFC 4648 base64, base64url without padding, base32 in lower case without padding, and hex.
 * Each text has one value and each value one text: what is not exactly as written here is refused.
 */
interface Alphabet {
  readonly letters: string;
  readonly bits: number;
  /** Characters of a whole group, filled with `=`; 1 for none. */
  readonly group: number;
  readonly values: ReadonlyMap<string, number>;
}

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LOWER = UPPER.toLowerCase();
const DIGITS = '0123456789';
const BASE64 = alphabet(`${UPPER}${LOWER}${DIGITS}+/`, 6, 4);
const BASE64_URL = alphabet(`${UPPER}${LOWER}${DIGITS}-_`, 6, 1);
const BASE32 = alphabet(`${LOWER}234567`, 5, 1);
const HEX = alphabet(`${DIGITS}abcdef`, 4, 1);

/** RFC 4648 section 4, with padding: keys are 44 characters. */
export function encodeBase64(bytes: Uint8Array): string {
  return encode(BASE64, bytes);
}

/** The bytes, or undefined when the text is not base64 or not of `length` bytes. */
export function decodeBase64(text: string, length?: number): Uint8Array | undefined {
  return decode(BASE64, text, length);
}

/** RFC 4648 section 5, without padding: keys are 43 characters. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encode(BASE64_URL, bytes);
}

/** The bytes, or undefined when the text is not base64url or not of `length` bytes. */
export function decodeBase64Url(text: string, length?: number): Uint8Array | undefined {
  return decode(BASE64_URL, text, length);
}

/** RFC 4648 section 6, in lower case without padding: 32 bytes are 52 characters. */
export function encodeBase32(bytes: Uint8Array): string {
  return encode(BASE32, bytes);
}

/** The bytes, or undefined when the text is not base32 or not of `length` bytes. */
export function decodeBase32(text: string, length?: number): Uint8Array | undefined {
  return decode(BASE32, text, length);
}

/** In lower case. */
export function encodeHex(bytes: Uint8Array): string {
  return encode(HEX, bytes);
}

/** The bytes, or undefined when the text is not hex in lower case or not of `length` bytes. */
export function decodeHex(text: string, length?: number): Uint8Array | undefined {
  return decode(HEX, text, length);
}

function alphabet(letters: string, bits: number, group: number): Alphabet {
  return { letters, bits, group, values: new Map([...letters].map((letter, value) => [letter, value])) };
}

function encode({ letters, bits, group }: Alphabet, bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let heldBits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff;
    for (heldBits += 8; heldBits >= bits; heldBits -= bits) {
      text += letters[(held >> (heldBits - bits)) & (letters.length - 1)];
    }
  }
  if (heldBits > 0) text += letters[(held << (bits - heldBits)) & (letters.length - 1)];
  return text + '='.repeat((group - (text.length % group)) % group);
}

function decode({ bits, group, values }: Alphabet, text: string, length?: number): Uint8Array | undefined {
  const end = group > 1 ? unpaddedLength(text, group) : text.length;
  const bytes = new Uint8Array((end * bits) >> 3);
  if (length !== undefined && bytes.length !== length) return undefined;
  let held = 0;
  let heldBits = 0;
  let at = 0;
  for (let i = 0; i < end; i++) {
    const value = values.get(text[i]!);
    if (value === undefined) return undefined;
    held = ((held << bits) | value) & 0xffff;
    heldBits += bits;
    if (heldBits < 8) continue;
    heldBits -= 8;
    bytes[at++] = held >> heldBits;
  }
  // Bits left over are zero and fewer than a letter, and the padding is whole: else another text has the same value.
  if (heldBits >= bits || (held & ((1 << heldBits) - 1)) !== 0) return undefined;
  return text.length % group === 0 && text.length - end < group ? bytes : undefined;
}

function unpaddedLength(text: string, group: number): number {
  let end = text.length;
  while (end > 0 && text.length - end < group && text[end - 1] === '=') end--;
  return end;
}
