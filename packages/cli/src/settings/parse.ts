import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { type Prefix, parsePrefix } from '@pcloud/ip';

/** Reads a value, or throws an Error that says what was expected. Where it came from is the caller's to say. */
export type Parse<T> = (text: string) => T;

export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

export const parseText: Parse<string> = (text) => expect(text !== '', text, text, 'something');

/** Absolute: a program in the background has another working directory. */
export const parsePath: Parse<string> = (text) => resolve(parseText(text));

export const parsePort: Parse<number> = (text) => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return expect(port >= 1 && port <= 65_535, port, text, '1 to 65535');
};

/** `192.0.2.1:8443`, `[::]:8443`. */
export const parseListen: Parse<ListenAddress> = (text) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3] ?? 0);
  return expect(isIP(address) !== 0 && port >= 1 && port <= 65_535, { address, port }, text, 'ADDRESS:PORT');
};

/** As `parseListen` takes it. */
export function formatListen({ address, port }: ListenAddress): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** A port of this machine alone, or a place that is named. */
export const parseLocalListen: Parse<ListenAddress> = (text) => {
  if (/^\d+$/.test(text)) return { address: '127.0.0.1', port: parsePort(text) };
  return parseListen(text);
};

/** An IPv4 range that has room for a network; the bits behind its length do not count. */
export const parseNetwork: Parse<Prefix> = (text) => {
  const prefix = parsePrefix(text);
  const isGood = prefix !== undefined && prefix.address.length === 4 && prefix.length >= 8 && prefix.length <= 28;
  return expect(isGood, prefix!, text, 'an IPv4 range from /8 to /28, as 10.0.0.0/16');
};

/** `https://HOST` or `https://HOST:PORT`. */
export const parsePublicUrl: Parse<string> = (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare = url?.protocol === 'https:' && url.pathname === '/' && url.search + url.hash + url.username === '';
  return expect(isBare, url?.origin ?? '', text, 'https://HOST:PORT');
};

export const parseLevel: Parse<'verbose' | 'info' | 'error' | 'silent'> = (text) => {
  const level = text === 'debug' ? 'verbose' : text;
  const isLevel = level === 'verbose' || level === 'info' || level === 'error' || level === 'silent';
  return expect(isLevel, level as 'info', text, 'verbose, info, error or silent');
};

export const parseDns: Parse<'auto' | 'off'> = (text) =>
  expect(text === 'auto' || text === 'off', text as 'auto', text, 'auto or off');

export const parseSwitch: Parse<boolean> = (text) =>
  expect(text === 'true' || text === 'false', text === 'true', text, 'true or false');

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `90s`, `1h`, `7d`, in milliseconds. */
export const parseDuration: Parse<number> = (text) => {
  const match = /^(\d{1,7}(?:\.\d{1,3})?)(ms|s|m|h|d|w)$/.exec(text);
  const ms = match ? Math.round(Number(match[1]) * UNITS[match[2]!]!) : 0;
  return expect(ms > 0, ms, text, 'a time such as 90s, 15m, 1h or 7d');
};

/** A moment, wall clock milliseconds: a date, with a time or without one, or how long ago it was. */
export const parseMoment: Parse<number> = (text) => {
  const isDate = /^\d{4}-\d\d-\d\d/.test(text);
  // A day by itself begins when it begins here.
  const dateMs = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text);
  if (isDate) return expect(!Number.isNaN(dateMs), dateMs, text, 'a date such as 2026-11-25 or 2026-11-25T08:00Z');
  const match = /^(\d{1,7})(s|m|h|d|w)$/.exec(text);
  const ms = match ? Number(match[1]) * UNITS[match[2]!]! : 0;
  return expect(ms > 0, Math.max(0, Date.now() - ms), text, 'a date such as 2026-11-25, or how long ago: 7d');
};

function expect<T>(isGood: boolean | undefined, value: T, text: string, expected: string): T {
  if (isGood) return value;
  throw new Error(`expected ${expected}, got "${text}"`);
}
