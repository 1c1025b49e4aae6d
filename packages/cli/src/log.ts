import type { LogFields, Logger } from '@pcloud/daemon';
import { writeLog } from './output.ts';

export type LogLevel = 'verbose' | 'info' | 'error' | 'silent';

/** The log of a process: lines for people, or JSON. */
export async function createLog(level: LogLevel, json: boolean): Promise<Logger> {
  if (!json) {
    const { createLineLogger } = await import('@pcloud/daemon');
    return createLineLogger('pcloud', level, writeLog);
  }
  const least = { verbose: 0, info: 1, error: 2, silent: 4 }[level];
  const at =
    (rank: number, name: string) =>
    (fields: LogFields, event: string): void => {
      if (rank >= least)
        writeLog(`${JSON.stringify({ time: new Date().toISOString(), level: name, event, ...fields })}\n`);
    };
  return { debug: at(0, 'debug'), info: at(1, 'info'), warn: at(2, 'warn'), error: at(3, 'error') };
}
