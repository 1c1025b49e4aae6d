import type { Hono } from 'hono';
import { html } from 'hono/html';
import type { SessionInfo } from '../../accounts/index.ts';
import type { HttpAppDeps, HttpEnv } from '../env.ts';
import { requireSession } from '../session.ts';
import { takeForm } from './form.ts';
import { csrfInput, type Html, page } from './layout.ts';

export function addSessions(app: Hono<HttpEnv>, deps: HttpAppDeps): void {
  const { sessions } = deps.accounts;

  app.get('/sessions', async (c) => {
    const { actor, session, csrf } = await requireSession(c, deps);
    const all = await sessions.list(actor, actor.userId);
    all.sort((first, second) => second.usedAtMs - first.usedAtMs);
    const items = all.map((each) => item(each, csrf, each.id === session.id));
    return c.html(await page('Where you are signed in', html`<ul>${items}</ul><p><a href="/">Back</a></p>`));
  });

  app.post('/sessions/end', async (c) => {
    const { actor, secret } = await requireSession(c, deps);
    const fields = await takeForm(c, secret);
    await sessions.revoke(actor, fields.get('id') ?? '');
    return c.redirect('/sessions', 303);
  });
}

function item({ id, source, program, usedAtMs }: SessionInfo, csrf: string, isThis: boolean): Html {
  const when = new Date(usedAtMs).toISOString().slice(0, 16).replace('T', ' ');
  return html`<li>${program || 'unknown program'}, from ${source}, last used ${when} UTC${isThis ? ' (this one)' : ''}
<form method="post" action="/sessions/end">${csrfInput(csrf)}<input type="hidden" name="id" value="${id}">
<button>End</button></form></li>`;
}
