import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import type { HttpEnv } from './env.ts';

/** `session`: who is signed in. `form`: holds together the forms of those who are not. */
type CookieName = 'session' | 'form';

export function readCookie(c: Context<HttpEnv>, name: CookieName): string | undefined {
  return getCookie(c, fullName(c, name));
}

/** @param maxAgeMs 0 takes it away */
export function writeCookie(c: Context<HttpEnv>, name: CookieName, value: string, maxAgeMs: number): void {
  setCookie(c, fullName(c, name), value, {
    httpOnly: true,
    sameSite: 'Strict',
    path: '/',
    secure: c.env.connection.isEncrypted,
    maxAge: Math.floor(maxAgeMs / 1_000),
  });
}

/** Browsers hold a cookie of this prefix to be Secure, of this host alone, for all its paths; it needs TLS. */
function fullName(c: Context<HttpEnv>, name: CookieName): string {
  return c.env.connection.isEncrypted ? `__Host-pcloud-${name}` : `pcloud-${name}`;
}
