import type { MiddlewareHandler } from 'hono';
import type { HttpAppDeps, HttpEnv } from './env.ts';

/**
 * Pages hold no script and load nothing from elsewhere. `same-origin`, not `no-referrer`: under the latter
 * browsers send the forms' Origin as `null`, which could not be checked.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
};

export function securityHeaders({ hasTrustedCertificate }: HttpAppDeps): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
    // Under a certificate that browsers do not trust it would lock people out for good.
    if (c.env.connection.isEncrypted && hasTrustedCertificate()) {
      c.res.headers.set('strict-transport-security', 'max-age=31536000');
    }
  };
}
