/**
 * The configuration protocol that `wg` speaks over a socket: https://www.wireguard.com/xplatform/
 * A codec between lines of text and a `Device`; the socket itself is its owner's.
 */
import { createMutex } from './mutex.ts';
import { createUapiSession, type UapiDeps, type UapiSession } from './session.ts';

export { ERRNO } from './errno.ts';
export { formatDevice } from './get.ts';
export type { UapiHost } from './host.ts';
export type { UapiDeps, UapiSession } from './session.ts';

/** The configuration of one device, for any number of connections. */
export interface Uapi {
  /**
   * A connection begins.
   * @param reply takes a whole reply; when it returns a promise, the next operation waits for it. A set that
   * is not finished keeps every other operation waiting, so end or abort each connection
   */
  connect(reply: (text: string) => void | Promise<void>): UapiSession;
}

/** Operations of all connections are done one at a time, so a get never sees half of a set. */
export function createUapi(deps: UapiDeps): Uapi {
  const mutex = createMutex();
  return { connect: (reply) => createUapiSession(deps, mutex, reply) };
}
