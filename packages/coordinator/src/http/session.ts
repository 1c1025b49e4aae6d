/** Who is signed in. */
import type { Context } from 'hono';
import type { SessionInfo, UserRecord } from '../accounts/index.ts';
import { CoordinatorError } from '../errors.ts';
import type { Actor } from '../operations/operation.ts';
import { readCookie, writeCookie } from './cookies.ts';
import { csrfToken } from './csrf.ts';
import type { HttpAppDeps, HttpEnv } from './env.ts';

export interface SignedIn {
  readonly actor: Actor & { kind: 'user' };
  readonly session: SessionInfo;
  readonly csrf: string;
  /** The cookie's. */
  readonly secret: string;
}

/** @throws CoordinatorError UNAUTHENTICATED, SESSION_ENDED */
export async function requireSession(c: Context<HttpEnv>, { accounts }: HttpAppDeps): Promise<SignedIn> {
  const secret = readCookie(c, 'session');
  if (secret === undefined) throw new CoordinatorError('UNAUTHENTICATED', 'not signed in');
  const { actor, session } = await accounts.sessions.check(secret);
  const { source } = c.env.connection;
  return { actor: { ...actor, source }, session, secret, csrf: csrfToken(secret) };
}

/** As `requireSession`, for who is welcome without one. */
export async function findSession(c: Context<HttpEnv>, deps: HttpAppDeps): Promise<SignedIn | undefined> {
  try {
    return await requireSession(c, deps);
  } catch (error) {
    if (error instanceof CoordinatorError && error.status === 401) return undefined;
    throw error;
  }
}

/** A new session, whatever cookie there was: nobody can have planted it. The one before ends. */
export async function beginSession(c: Context<HttpEnv>, deps: HttpAppDeps, user: UserRecord): Promise<void> {
  const { accounts, nodeAt, now } = deps;
  const before = readCookie(c, 'session');
  if (before !== undefined) await accounts.sessions.end(before);
  const { source } = c.env.connection;
  const nodeId = nodeAt(source);
  const place = { source, program: c.req.header('user-agent') ?? '', ...(nodeId !== undefined && { nodeId }) };
  const { secret, session } = await accounts.sessions.begin(user, place);
  writeCookie(c, 'session', secret, session.expiresAtMs - now());
  writeCookie(c, 'form', '', 0);
}
