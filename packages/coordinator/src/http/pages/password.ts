import type { Hono } from 'hono';
import { html } from 'hono/html';
import { CoordinatorError } from '../../errors.ts';
import type { HttpAppDeps, HttpEnv } from '../env.ts';
import { beginSession, findSession, requireSession } from '../session.ts';
import { orAgain, takeForm } from './form.ts';
import { csrfInput, faultLine, type Html, page } from './layout.ts';

const TITLE = 'Change your password';

export function addPassword(app: Hono<HttpEnv>, deps: HttpAppDeps): void {
  const { passwords, users } = deps.accounts;

  app.get('/password', async (c) => {
    const signedIn = await findSession(c, deps);
    if (signedIn === undefined) return c.redirect('/sign-in', 303);
    return c.html(await page(TITLE, form(signedIn.csrf)));
  });

  app.post('/password', async (c) => {
    const { actor, secret, csrf } = await requireSession(c, deps);
    const fields = await takeForm(c, secret);
    return orAgain(
      c,
      TITLE,
      async () => {
        const next = fields.get('password') ?? '';
        if (next !== fields.get('again')) {
          throw new CoordinatorError('INPUT_INVALID', 'the two new passwords are not the same');
        }
        await passwords.change(actor, actor.userId, next, fields.get('current') ?? '');
        // All sessions have ended, this one as well; who knows the password begins another.
        await beginSession(c, deps, await users.get(actor.userId));
        return c.redirect('/', 303);
      },
      (fault) => form(csrf, fault),
    );
  });
}

function form(csrf: string, fault?: string): Html {
  return html`${faultLine(fault)}
<form method="post" action="/password">
${csrfInput(csrf)}
<label>Password of now <input name="current" type="password" autocomplete="current-password" required></label>
<label>New password <input name="password" type="password" autocomplete="new-password" required></label>
<label>New password again <input name="again" type="password" autocomplete="new-password" required></label>
<button>Change it</button>
</form>
<p>You will be signed out everywhere else.</p>
<p><a href="/">Back</a></p>`;
}
