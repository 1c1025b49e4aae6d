/** Against requests that another site makes a browser send. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { CoordinatorError } from '../errors.ts';
import type { HttpEnv } from './env.ts';

/** The header of API requests, and the field of forms. */
export const CSRF_HEADER = 'x-csrf-token';
export const CSRF_FIELD = 'csrf';

/** What goes with a cookie: who can read a page has it, who can only make a browser send its cookie has not. */
export function csrfToken(cookie: string): string {
  return createHmac('sha256', cookie).update('pcloud/csrf/1').digest('base64url');
}

/** @throws CoordinatorError CSRF_INVALID */
export function checkCsrf(cookie: string | undefined, token: string | null | undefined): void {
  const expected = Buffer.from(cookie === undefined ? '' : csrfToken(cookie));
  const given = Buffer.from(token ?? '');
  if (expected.length > 0 && given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw new CoordinatorError('CSRF_INVALID', 'this request does not come from a page of this server; reload the page');
}

/**
 * What a browser says about who made it ask. Old ones say nothing, for which the token is there.
 * @throws CoordinatorError CROSS_SITE
 */
export function checkSameSite(c: Context<HttpEnv>): void {
  const site = c.req.header('sec-fetch-site');
  const origin = c.req.header('origin');
  const own = `${c.env.connection.isEncrypted ? 'https' : 'http'}://${c.req.header('host')}`.toLowerCase();
  const isOwn = (site ?? 'same-origin') === 'same-origin' && (origin ?? own).toLowerCase() === own;
  if (!isOwn) throw new CoordinatorError('CROSS_SITE', 'requests that come from another site are refused');
}
