/** Letting in a machine that shows a code. The code is typed: no link can bring it here. */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import type { ApprovalInfo } from '../../approvals/index.ts';
import { CoordinatorError } from '../../errors.ts';
import type { HttpAppDeps, HttpEnv } from '../env.ts';
import { findSession, requireSession } from '../session.ts';
import { orAgain, takeForm } from './form.ts';
import { csrfInput, faultLine, type Html, page } from './layout.ts';

const TITLE = 'Let a device in';

export function addApprove(app: Hono<HttpEnv>, deps: HttpAppDeps): void {
  const { approvals } = deps;

  app.get('/approve', async (c) => {
    const signedIn = await findSession(c, deps);
    if (signedIn === undefined) return c.redirect('/sign-in', 303);
    return c.html(await page(TITLE, codeForm(signedIn.csrf)));
  });

  app.post('/approve', async (c) => {
    const { actor, secret, csrf } = await requireSession(c, deps);
    const code = (await takeForm(c, secret)).get('code') ?? '';
    return orAgain(
      c,
      TITLE,
      async () => c.html(await page(TITLE, question(await approvals.look(actor, code), code, csrf))),
      (fault) => codeForm(csrf, fault),
    );
  });

  app.post('/approve/decide', async (c) => {
    const { actor, secret, csrf } = await requireSession(c, deps);
    const fields = await takeForm(c, secret);
    const code = fields.get('code') ?? '';
    return orAgain(
      c,
      TITLE,
      async () => {
        const { name, word } = await decide(fields.get('decision'));
        return c.html(
          await page(TITLE, html`<p>The device &ldquo;${name}&rdquo; was ${word}.</p><p><a href="/">Back</a></p>`),
        );
      },
      (fault) => codeForm(csrf, fault),
    );

    async function decide(decision: string | null): Promise<{ name: string; word: string }> {
      if (decision === 'approve') return { name: (await approvals.approve(actor, code)).name, word: 'let in' };
      if (decision === 'deny') return { name: (await approvals.deny(actor, code)).name, word: 'turned away' };
      throw new CoordinatorError('INPUT_INVALID', 'decision: expected approve or deny');
    }
  });
}

function codeForm(csrf: string, fault?: string): Html {
  return html`${faultLine(fault)}
<form method="post" action="/approve">
${csrfInput(csrf)}
<label>The code that the device shows <input name="code" autocomplete="off" autocapitalize="characters" required autofocus></label>
<button>Look</button>
</form>
<p>Type only a code that a device in front of you, or of somebody you talk to, shows.</p>`;
}

function question({ name, source, renews }: ApprovalInfo, code: string, csrf: string): Html {
  const what = renews
    ? html`<p>The device <strong>${name}</strong> of this network asks from <strong>${source}</strong> to have its key renewed.</p>`
    : html`<p>A device that calls itself <strong>${name}</strong> asks from <strong>${source}</strong>.
If you let it in, it belongs to you.</p>`;
  return html`${what}
<form method="post" action="/approve/decide">
${csrfInput(csrf)}<input type="hidden" name="code" value="${code}">
<button name="decision" value="approve">Let it in</button>
<button name="decision" value="deny">Turn it away</button>
</form>`;
}
