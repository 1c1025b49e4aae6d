/** What a request must be before anybody looks at what it asks. */
import type { MiddlewareHandler } from 'hono';
import { CoordinatorError } from '../errors.ts';
import { checkSameSite } from './csrf.ts';
import type { HttpAppDeps, HttpEnv } from './env.ts';
import { isOwnHost } from './hosts.ts';

/** @returns a middleware that throws CoordinatorError HOST_UNKNOWN, CONSOLE_INSIDE, CROSS_SITE, ROUTE_UNKNOWN */
export function createGate({ isTrusted, hosts, pageUrl }: HttpAppDeps): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { connection } = c.env;
    if (connection.listener === 'unix') {
      // No browser has business there, whatever got it to ask.
      if (c.req.header('origin') !== undefined) throw new CoordinatorError('CROSS_SITE', 'not for browsers');
      if (!c.req.path.startsWith('/api/v1/')) throw new CoordinatorError('ROUTE_UNKNOWN', 'there is nothing here');
      return next();
    }
    if (!isOwnHost(c.req.header('host') ?? '', hosts())) {
      throw new CoordinatorError('HOST_UNKNOWN', 'this server does not go by that name');
    }
    if (!isTrusted(connection)) throw new CoordinatorError('CONSOLE_INSIDE', outside(pageUrl('/')));
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') checkSameSite(c);
    return next();
  };
}

function outside(url: string): string {
  const { hostname, port } = new URL(url);
  const isInNetwork = hostname !== '127.0.0.1';
  const place = isInNetwork ? `on a device that joined, at ${url}` : `on the server itself, at ${url}`;
  const far = `ssh -L ${port}:127.0.0.1:${port} SERVER`;
  return `Pages of this server open only inside the network: ${place}; or from afar by "${far}", at http://127.0.0.1:${port}/.`;
}
