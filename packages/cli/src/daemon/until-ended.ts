import { CliError } from '../exit.ts';

const LOOK_AGAIN_MS = 20;
const LIMIT_MS = 10_000;

/** What a daemon answers to `down` and `logout`. */
export interface Dismissed {
  /** Its own process, when it ends now. */
  readonly endingPid?: number | null;
}

/**
 * Waits until a daemon that ends has ended, so that what follows finds neither its socket nor its lock.
 * @throws CliError timedOut
 */
export async function untilEnded({ endingPid: pid }: Dismissed): Promise<void> {
  if (typeof pid !== 'number') return;
  const { processName } = await import('@pcloud/daemon');
  const startedAt = performance.now();
  const name = processName(pid);
  while (name !== undefined && processName(pid) === name) {
    if (performance.now() - startedAt > LIMIT_MS) {
      throw new CliError('timedOut', `the tunnel is down, but the daemon (process ${pid}) does not end`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
