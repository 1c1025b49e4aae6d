/** Everything that HTTP answers, without a socket. */
import { encodeBase64, formatNetworkId } from '@pcloud/netmap';
import { type Context, Hono } from 'hono';
import { CoordinatorError } from '../errors.ts';
import { type Problem, problemOf } from '../problem.ts';
import { createApi } from './api.ts';
import type { HttpAppDeps, HttpEnv } from './env.ts';
import { createGate } from './gate.ts';
import { securityHeaders } from './headers.ts';
import { addPages } from './pages/index.ts';
import { problemPage } from './pages/layout.ts';
import { jsonProblem, retryHeaders } from './problem.ts';

export type HttpApp = Hono<HttpEnv>;

export function createHttpApp(deps: HttpAppDeps): HttpApp {
  const app = new Hono<HttpEnv>();
  app.use(securityHeaders(deps));

  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  // What `--login-server` asks: the device checks it against the network's id and the server's certificate.
  app.get('/join/server', (c) =>
    c.json({
      networkId: formatNetworkId(deps.network.id),
      channelKey: encodeBase64(deps.network.channelPublic),
      serverSet: encodeBase64(deps.network.serverSet),
    }),
  );
  // The upgrade itself is the server's; here comes only who does not ask for one.
  app.get('/control', () => {
    throw new CoordinatorError('UPGRADE_REQUIRED', 'nodes connect here by WebSocket');
  });

  app.use(createGate(deps));
  app.route('/api/v1', createApi(deps));
  addPages(app, deps);

  app.notFound((c) => {
    const methods = methodsOf(app, c.req.path);
    if (methods.length === 0) throw new CoordinatorError('ROUTE_UNKNOWN', 'there is nothing here');
    c.header('allow', methods.join(', '));
    throw new CoordinatorError('METHOD_NOT_ALLOWED', `${c.req.method} is not for this; ${methods.join(', ')} is`);
  });

  app.onError(async (error, c) => {
    const problem = problemOf(error, deps.log);
    if (problem.status < 500) deps.refusals.note('http', problem.code, c.env.connection.source);
    const allow = c.res.headers.get('allow');
    const response = await (isPage(c) ? answerPerson(problem) : jsonProblem(problem));
    if (allow !== null) response.headers.set('allow', allow);
    return response;
  });
  return app;
}

function isPage(c: Context<HttpEnv>): boolean {
  return c.env.connection.listener === 'network' && !/^\/(?:api|healthz|control)(?:\/|$)/.test(c.req.path);
}

/** Who may not see the pages is told so by a plain sentence, and not by one of them. */
async function answerPerson(problem: Problem): Promise<Response> {
  const isRefused = problem.code === 'CONSOLE_INSIDE' || problem.code === 'HOST_UNKNOWN';
  const type = isRefused ? 'text/plain' : 'text/html';
  return new Response(isRefused ? `${problem.message}\n` : String(await problemPage(problem)), {
    status: problem.status,
    headers: { 'content-type': `${type}; charset=UTF-8`, ...retryHeaders(problem.retryAfterMs) },
  });
}

/** Those with which something answers at a path. */
function methodsOf(app: HttpApp, path: string): string[] {
  const found = app.routes.filter(({ method, path: pattern }) => method !== 'ALL' && matches(pattern, path));
  return [...new Set(found.map(({ method }) => method))].sort();
}

function matches(pattern: string, path: string): boolean {
  const expected = pattern.split('/');
  const given = path.split('/');
  return (
    expected.length === given.length &&
    expected.every((part, at) => part === given[at] || (/^:/.test(part) && given[at] !== ''))
  );
}
