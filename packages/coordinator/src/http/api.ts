/** The operations over HTTP: POST /api/v1/<operation>, JSON in and out. */
import { Hono } from 'hono';
import { readJson } from './body.ts';
import { CSRF_HEADER, checkCsrf } from './csrf.ts';
import type { HttpAppDeps, HttpEnv } from './env.ts';
import { requireSession } from './session.ts';

export function createApi(deps: HttpAppDeps): Hono<HttpEnv> {
  const { operations } = deps;
  const api = new Hono<HttpEnv>();

  /** For pages with scripts: who they act for, and the token that their requests need. */
  api.get('/session', async (c) => {
    const { actor, session, csrf } = await requireSession(c, deps);
    return c.json({ userId: actor.userId, role: actor.role, csrf, expiresAtMs: session.expiresAtMs });
  });

  api.post('/:operation', async (c) => {
    const name = c.req.param('operation');
    if (c.env.connection.listener === 'unix') {
      return c.json((await operations.run({ kind: 'root' }, name, await readJson(c))) ?? null);
    }
    const { actor, secret } = await requireSession(c, deps);
    checkCsrf(secret, c.req.header(CSRF_HEADER));
    return c.json((await operations.run(actor, name, await readJson(c))) ?? null);
  });
  return api;
}
