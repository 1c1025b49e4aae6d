import { CliError } from '../exit.ts';

const LOOK_AGAIN_MS = 100;

/**
 * Waits until a daemon answers here.
 * @returns what is left of the time, milliseconds
 * @throws CliError timedOut
 */
export async function untilRunning(runtimeDir: string, limitMs: number): Promise<number> {
  const { askDaemon, DaemonError } = await import('@pcloud/daemon');
  const startedAt = performance.now();
  for (;;) {
    const leftMs = Math.round(limitMs - (performance.now() - startedAt));
    try {
      await askDaemon(runtimeDir, { method: 'GET', path: '/status' });
      return Math.max(0, leftMs);
    } catch (error) {
      if (!(error instanceof DaemonError) || error.code !== 'NOT_RUNNING') throw error;
      if (leftMs <= 0) {
        throw new CliError('timedOut', `not done within ${limitMs / 1_000} s: ${error.message}`, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
