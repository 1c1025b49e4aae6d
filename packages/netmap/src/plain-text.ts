/**
 * What a terminal, a log or a page does not show as a sign: control characters, which move the cursor or begin
 * another line, the line and paragraph separators, and those that turn the direction of what follows.
 */
const UNPRINTED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const ALL_UNPRINTED = new RegExp(UNPRINTED, 'gu');

/** Whether a text is one line of signs that can be shown to people as it is. */
export function isPlainText(text: string): boolean {
  return !UNPRINTED.test(text);
}

/** The text as `isPlainText` wants it, cut to a length in characters. */
export function toPlainText(text: string, maxLength: number): string {
  // Half of a pair at the end would not be the same on the other side.
  const cut = text.slice(0, maxLength).replace(/[\u{d800}-\u{dbff}]$/u, '');
  return cut.replace(ALL_UNPRINTED, '\u{fffd}');
}
