/** The pages that are there before any console is: plain forms. */
import type { Hono } from 'hono';
import type { HttpAppDeps, HttpEnv } from '../env.ts';
import { addApprove } from './approve.ts';
import { addHome } from './home.ts';
import { STYLE } from './layout.ts';
import { addNewAccount } from './new-account.ts';
import { addPassword } from './password.ts';
import { addSessions } from './sessions.ts';
import { addSignIn } from './sign-in.ts';

export function addPages(app: Hono<HttpEnv>, deps: HttpAppDeps): void {
  app.get('/style.css', (c) => c.body(STYLE, 200, { 'content-type': 'text/css; charset=UTF-8' }));
  addHome(app, deps);
  addSignIn(app, deps);
  addNewAccount(app, deps);
  addSessions(app, deps);
  addApprove(app, deps);
  addPassword(app, deps);
}
