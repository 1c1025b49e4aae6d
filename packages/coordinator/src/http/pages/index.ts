import type { Hono } from 'hono';
import type { HttpAppDeps, HttpEnv } from '../env.ts';
import { STYLE } from './layout.ts';

export function addPages(app: Hono<HttpEnv>, _deps: HttpAppDeps): void {
  app.get('/style.css', (c) => c.body(STYLE, 200, { 'content-type': 'text/css; charset=UTF-8' }));
}
