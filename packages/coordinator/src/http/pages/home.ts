import type { Hono } from 'hono';
import { html } from 'hono/html';
import type { HttpAppDeps, HttpEnv } from '../env.ts';
import { findSession, requireSession } from '../session.ts';
import { deviceOf } from './device.ts';
import { takeForm } from './form.ts';
import { csrfInput, page } from './layout.ts';
import { listNobodys, nobodysList } from './nobodys.ts';

const TAKE_THE_KIT = html`<p class="fault">The root of this network is still on its server, where a thief would find it.
Take it away as a recovery kit: on the server, by <code>pcloud recovery take --words</code> and
<code>pcloud recovery confirm</code>.</p>`;

export function addHome(app: Hono<HttpEnv>, deps: HttpAppDeps): void {
  app.get('/', async (c) => {
    const signedIn = await findSession(c, deps);
    if (signedIn === undefined) return c.redirect('/sign-in', 303);
    const { actor, csrf } = signedIn;
    const { name } = await deps.accounts.users.get(actor.userId);
    const device = await deviceOf(c, deps);
    const isOwn = device?.userId === actor.userId;
    const nobodys = actor.role === 'owner' ? await listNobodys(actor, deps) : [];
    return c.html(
      await page(
        'PCloud',
        html`<p>Signed in as <strong>${name}</strong> (${actor.role}).</p>
${isOwn ? html`<p>This device, <strong>${device.name}</strong>, is yours.</p>` : ''}
${actor.role === 'owner' && deps.isRootHere() ? TAKE_THE_KIT : ''}
<ul>
<li><a href="/approve">Let a device in by its code</a></li>
<li><a href="/sessions">Where you are signed in</a></li>
<li><a href="/password">Change your password</a></li>
</ul>
${nobodysList(nobodys, csrf)}
<form method="post" action="/sign-out">${csrfInput(csrf)}<button>Sign out</button></form>`,
      ),
    );
  });

  app.post('/adopt', async (c) => {
    const { actor, secret } = await requireSession(c, deps);
    const fields = await takeForm(c, secret);
    await deps.operations.run(actor, 'nodes.adopt', { node: fields.get('node') ?? '' });
    return c.redirect('/', 303);
  });
}
