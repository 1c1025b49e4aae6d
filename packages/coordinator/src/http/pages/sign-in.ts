import type { Hono } from 'hono';
import { html } from 'hono/html';
import { writeCookie } from '../cookies.ts';
import type { HttpAppDeps, HttpEnv } from '../env.ts';
import { beginSession, findSession, requireSession } from '../session.ts';
import { anonymousToken, orAgain, takeAnonymousForm, takeForm } from './form.ts';
import { csrfInput, faultLine, type Html, page } from './layout.ts';

export function addSignIn(app: Hono<HttpEnv>, deps: HttpAppDeps): void {
  const { accounts, hasOwner, openRegistration } = deps;

  async function form(csrf: string, fault?: string): Promise<Html> {
    const none = html`<p>There is no account yet. The first one is made through the link that the server printed.</p>`;
    return html`${faultLine(fault)}${(await hasOwner()) ? '' : none}
<form method="post" action="/sign-in">
${csrfInput(csrf)}
<label>Name <input name="name" autocomplete="username" autocapitalize="none" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button>
</form>
${openRegistration ? html`<p><a href="/register">Make an account</a></p>` : ''}`;
  }

  app.get('/sign-in', async (c) => {
    if (await findSession(c, deps)) return c.redirect('/', 303);
    return c.html(await page('Sign in', await form(anonymousToken(c, deps))));
  });

  app.post('/sign-in', async (c) => {
    const fields = await takeAnonymousForm(c);
    return orAgain(
      c,
      'Sign in',
      async () => {
        const { source } = c.env.connection;
        const user = await accounts.passwords.check(fields.get('name') ?? '', fields.get('password') ?? '', source);
        await beginSession(c, deps, user);
        return c.redirect('/', 303);
      },
      (fault) => form(anonymousToken(c, deps), fault),
    );
  });

  app.post('/sign-out', async (c) => {
    const { secret } = await requireSession(c, deps);
    await takeForm(c, secret);
    await accounts.sessions.end(secret);
    writeCookie(c, 'session', '', 0);
    return c.redirect('/sign-in', 303);
  });
}
