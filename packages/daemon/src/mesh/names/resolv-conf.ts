/** The text of resolv.conf(5), a byte a character. */
import { createHash } from 'node:crypto';

/** What the text of a file says about who wrote it. */
export type Writer =
  | { readonly kind: 'others' }
  /** `original`: what is left of it without us. */
  | { readonly kind: 'pcloud'; readonly isIntact: boolean; readonly original: string };

const NOTE = '# pcloud answers first here; it keeps the original, and puts it back when it stops.';
const MARKER = /^# pcloud answers first here;.* \[([0-9a-fA-F.: ]*) #([0-9a-f]{16})\]\n?/m;
/** In front of a line that is kept, and not in force. */
const ASIDE = '#pcloud# ';

/** Addresses of `nameserver` lines as they stand there, scopes included. */
export function nameserversOf(text: string): string[] {
  return lines(text).flatMap((line) => /^\s*nameserver\s+([0-9a-fA-F.:]+(?:%[\w.-]+)?)/.exec(line)?.[1] ?? []);
}

/**
 * The original with `servers` in front of its own and a marker that shows if somebody changes it.
 * @param options.keepsOthers whether programs ask the servers of a file in order, so that the others come after
 *   ours; else they are set aside
 */
export function writeResolvConf(
  original: string,
  servers: readonly string[],
  options: { readonly keepsOthers: boolean },
): string {
  const keepsOthers = options.keepsOthers && !rotates(original);
  const rest = lines(original).map((line) => (isNameserver(line) && !keepsOthers ? ASIDE + line : line));
  const body = [...servers.map((server) => `nameserver ${server}`), ...rest].map((line) => `${line}\n`).join('');
  return `${NOTE} [${servers.join(' ')} #${check(body)}]\n${body}`;
}

/** Who wrote a text. One of ours that was changed since is somebody else's, with lines of ours in it. */
export function writerOf(text: string): Writer {
  const match = MARKER.exec(text);
  if (match === null) return { kind: 'others' };
  const servers = new Set(match[1]!.split(' '));
  const body = text.slice(match.index + match[0].length);
  const original = lines(text.slice(0, match.index) + body)
    .filter((line) => !servers.has(nameserversOf(line)[0] ?? ''))
    .map((line) => (line.startsWith(ASIDE) ? line.slice(ASIDE.length) : line))
    .map((line) => `${line}\n`)
    .join('');
  return { kind: 'pcloud', isIntact: match.index === 0 && check(body) === match[2], original };
}

/** Asks its servers in turn, whichever stands first. */
function rotates(text: string): boolean {
  return lines(text).some((line) => /^\s*options\s(?:.*\s)?rotate(?:\s|$)/.test(line));
}

function isNameserver(line: string): boolean {
  return /^\s*nameserver\s/.test(line);
}

function lines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function check(body: string): string {
  return createHash('sha256').update(body, 'latin1').digest('hex').slice(0, 16);
}
