import type { Hono } from 'hono';
import { html } from 'hono/html';
import type { HttpAppDeps, HttpEnv } from '../env.ts';
import { findSession } from '../session.ts';
import { csrfInput, page } from './layout.ts';

export function addHome(app: Hono<HttpEnv>, deps: HttpAppDeps): void {
  app.get('/', async (c) => {
    const signedIn = await findSession(c, deps);
    if (signedIn === undefined) return c.redirect('/sign-in', 303);
    const { actor, csrf } = signedIn;
    const { name } = await deps.accounts.users.get(actor.userId);
    return c.html(
      await page(
        'PCloud',
        html`<p>Signed in as <strong>${name}</strong> (${actor.role}).</p>
<ul>
<li><a href="/approve">Let a device in by its code</a></li>
<li><a href="/sessions">Where you are signed in</a></li>
<li><a href="/password">Change your password</a></li>
</ul>
<form method="post" action="/sign-out">${csrfInput(csrf)}<button>Sign out</button></form>`,
      ),
    );
  });
}
