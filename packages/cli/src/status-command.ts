import { readdirSync } from 'node:fs';
import { readStatus, STATUS_SUFFIX, type TunnelStatus } from '@pcloud/daemon';
import { formatStatus } from './status-text.ts';
import { UsageError } from './usage-error.ts';

export interface StatusCommand {
  readonly name: string | undefined;
  readonly json: boolean;
  readonly runtimeDir: string;
}

/**
 * What `pcloud-wg status` prints: with JSON an object for one interface, a list for all of them.
 * @throws UsageError when the interface asked for does not answer
 */
export async function statusCommand(command: StatusCommand): Promise<string> {
  const { name, json, runtimeDir } = command;
  if (name !== undefined) {
    const status = await tryRead(runtimeDir, name);
    if (!status)
      throw new UsageError(`interface "${name}": no pcloud-wg answers for it; start it with "pcloud-wg ${name}"`);
    return json ? toJson(status) : formatStatus(status, Date.now());
  }
  const found: TunnelStatus[] = [];
  for (const each of interfaceNames(runtimeDir)) {
    const status = await tryRead(runtimeDir, each);
    if (status) found.push(status);
  }
  if (json) return toJson(found);
  return found.map((status) => formatStatus(status, Date.now())).join('\n');
}

/** Undefined when nobody answers: the file of a process that is no more. @throws UsageError when it may not be asked */
async function tryRead(runtimeDir: string, name: string): Promise<TunnelStatus | undefined> {
  try {
    return await readStatus(runtimeDir, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new UsageError(`interface "${name}": not permitted; run as the user that runs it, or as root`);
    }
    return undefined;
  }
}

function interfaceNames(runtimeDir: string): string[] {
  try {
    return readdirSync(runtimeDir)
      .filter((file) => file.endsWith(STATUS_SUFFIX))
      .map((file) => file.slice(0, -STATUS_SUFFIX.length))
      .sort();
  } catch {
    return [];
  }
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
