import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../settings/read.ts';

/** Where the coordinator of this machine keeps its state. */
export function coordinatorStateDir({ stateDir }: Pick<Settings, 'stateDir'>): string {
  return join(stateDir, 'coordinator');
}

/** Whether this machine is a seed that still has the root of its network; only root can tell. */
export function isRootHere(settings: Pick<Settings, 'stateDir'>): boolean {
  return existsSync(join(coordinatorStateDir(settings), 'root.key'));
}
