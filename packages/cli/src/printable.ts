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

/** What somebody else said, with every text in it on one line, but for those of `lines`, which keep theirs. */
export function onOneLine(value: unknown, lines: readonly string[] = []): unknown {
  if (typeof value === 'string') return value.replace(UNPRINTED, written);
  if (Array.isArray(value)) return value.map((member) => onOneLine(member));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) =>
      typeof member === 'string' && lines.includes(key)
        ? [key, toPrintable(member.replaceAll('\r\n', '\n'))]
        : [onOneLine(key), onOneLine(member)],
    ),
  );
}

function written(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
