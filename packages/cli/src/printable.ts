/**
 * What terminals and readers of logs must not be given: control characters, which move the cursor or begin another
 * line, other separators of lines, and what turns the direction of the letters behind it.
 */
const UNPRINTED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/**
 * A text of many lines as a terminal may have it. Signs are written as JSON has them, so that JSON stays what it
 * was.
 */
export function toPrintable(text: string): string {
  return text.replace(UNPRINTED, (sign) => (sign === '\n' || sign === '\t' ? sign : written(sign)));
}

/** What somebody else said, with every text in it on one line. */
export function onOneLine(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(UNPRINTED, written);
  if (Array.isArray(value)) return value.map(onOneLine);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [onOneLine(key), onOneLine(member)]));
}

function written(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
