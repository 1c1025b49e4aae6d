/** Accounts that people make themselves: the first owner by the link of the server, others by an invitation. */
import type { Context, Hono } from 'hono';
import { html } from 'hono/html';
import type { Registration, UserRecord } from '../../accounts/index.ts';
import { CoordinatorError } from '../../errors.ts';
import type { NodeRecord } from '../../nodes/node-record.ts';
import type { HttpAppDeps, HttpEnv } from '../env.ts';
import { beginSession } from '../session.ts';
import { deviceOf, isNobodys } from './device.ts';
import { anonymousToken, orAgain, takeAnonymousForm } from './form.ts';
import { csrfInput, faultLine, type Html, page } from './layout.ts';

interface NewAccountPage {
  readonly path: string;
  readonly title: string;
  /** @throws CoordinatorError when the link is none */
  readonly look: (secret: string | undefined) => Promise<unknown>;
  /** @param device that the page is opened on */
  readonly make: (
    secret: string | undefined,
    registration: Registration,
    device: NodeRecord | undefined,
  ) => Promise<UserRecord>;
  /** Whether a device that belongs to nobody becomes the new user's. */
  readonly adopts?: boolean;
}

export function addNewAccount(app: Hono<HttpEnv>, deps: HttpAppDeps): void {
  const { ownerLink, invitations } = deps.accounts;
  const register: Pick<NewAccountPage, 'title' | 'make'> = {
    title: 'Make your account',
    make: (secret, registration) => invitations.register(secret, registration),
  };
  addPage(app, deps, {
    path: '/setup/:secret',
    title: 'Make the first account',
    look: (secret) => ownerLink.look(secret!),
    make: (secret, registration, device) =>
      ownerLink.redeem(secret!, registration, device && ((user) => deps.adoptions.prepare(device.id, user))),
    adopts: true,
  });
  addPage(app, deps, { ...register, path: '/register/:secret', look: (secret) => invitations.look(secret!) });
  addPage(app, deps, {
    ...register,
    path: '/register',
    async look() {
      if (deps.openRegistration) return;
      throw new CoordinatorError('REGISTRATION_CLOSED', 'an account needs an invitation; ask an owner or an admin');
    },
  });
}

function addPage(app: Hono<HttpEnv>, deps: HttpAppDeps, { path, title, look, make, adopts }: NewAccountPage): void {
  async function adoptable(c: Context<HttpEnv>): Promise<NodeRecord | undefined> {
    const device = adopts ? await deviceOf(c, deps) : undefined;
    return device && isNobodys(device) ? device : undefined;
  }

  app.get(path, async (c) => {
    await look(c.req.param('secret'));
    return c.html(await page(title, form({ csrf: anonymousToken(c, deps), device: await adoptable(c) })));
  });

  app.post(path, async (c) => {
    const fields = await takeAnonymousForm(c);
    const name = fields.get('name') ?? '';
    const device = await adoptable(c);
    return orAgain(
      c,
      title,
      async () => {
        const password = fields.get('password') ?? '';
        if (password !== fields.get('again')) {
          throw new CoordinatorError('INPUT_INVALID', 'the two passwords are not the same');
        }
        const { source } = c.env.connection;
        const registration = { name, password, source };
        await beginSession(c, deps, await make(c.req.param('secret'), registration, device));
        return c.redirect('/', 303);
      },
      (fault) => form({ csrf: anonymousToken(c, deps), device, fault, name }),
    );
  });
}

interface FormParts {
  readonly csrf: string;
  readonly device: NodeRecord | undefined;
  readonly fault?: string;
  readonly name?: string;
}

/** Goes to where it came from, so that the secret is in the address alone. */
function form({ csrf, device, fault, name = '' }: FormParts): Html {
  return html`${faultLine(fault)}
${device ? html`<p>This device, <strong>${device.name}</strong>, becomes yours.</p>` : ''}
<form method="post">
${csrfInput(csrf)}
<label>Name <input name="name" value="${name}" autocomplete="username" autocapitalize="none" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="new-password" required></label>
<label>Password again <input name="again" type="password" autocomplete="new-password" required></label>
<button>Make the account</button>
</form>`;
}
