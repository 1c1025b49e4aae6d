/** How a form is shown, checked and taken. */
import type { Context } from 'hono';
import { newSecret } from '../../accounts/secret.ts';
import { CoordinatorError } from '../../errors.ts';
import { readForm } from '../body.ts';
import { readCookie, writeCookie } from '../cookies.ts';
import { CSRF_FIELD, checkCsrf, csrfToken } from '../csrf.ts';
import type { HttpAppDeps, HttpEnv } from '../env.ts';
import { retryHeaders } from '../problem.ts';
import { type Html, page } from './layout.ts';

/** The token for forms of who is not signed in, held by a cookie that stands for nothing else. */
export function anonymousToken(c: Context<HttpEnv>, { random }: HttpAppDeps): string {
  let cookie = readCookie(c, 'form');
  if (!cookie) {
    cookie = newSecret(160, random);
    writeCookie(c, 'form', cookie, 3_600_000);
  }
  return csrfToken(cookie);
}

/** The fields of a form that was shown here. @throws CoordinatorError CSRF_INVALID and of the body */
export async function takeAnonymousForm(c: Context<HttpEnv>): Promise<URLSearchParams> {
  return takeForm(c, readCookie(c, 'form'));
}

/** @param cookie that the form's token was made of */
export async function takeForm(c: Context<HttpEnv>, cookie: string | undefined): Promise<URLSearchParams> {
  const form = await readForm(c);
  checkCsrf(cookie, form.get(CSRF_FIELD));
  return form;
}

/**
 * Does what a form asks; what the person can put right is said on the form itself.
 * @param again the form, with what was wrong
 */
export async function orAgain(
  c: Context<HttpEnv>,
  title: string,
  act: () => Promise<Response>,
  again: (fault: string) => Html | Promise<Html>,
): Promise<Response> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof CoordinatorError) || error.status >= 500) throw error;
    return c.html(await page(title, await again(error.message)), error.status as 400, retryHeaders(error.retryAfterMs));
  }
}
