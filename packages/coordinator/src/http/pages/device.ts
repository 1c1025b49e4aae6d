import type { Context } from 'hono';
import { isOwnable } from '../../nodes/adoptions.ts';
import type { NodeRecord } from '../../nodes/node-record.ts';
import type { HttpAppDeps, HttpEnv } from '../env.ts';

/** The device of the network that a page is opened on; undefined from outside, and on this server itself. */
export async function deviceOf(c: Context<HttpEnv>, deps: HttpAppDeps): Promise<NodeRecord | undefined> {
  const { connection } = c.env;
  if (!deps.isInside(connection)) return undefined;
  const id = deps.nodeAt(connection.source);
  return id === undefined ? undefined : (await deps.nodes()).get(id);
}

/** Whether a device waits for somebody to say that it is theirs. */
export function isNobodys(device: NodeRecord): boolean {
  return device.userId === '' && isOwnable(device);
}
