/** How a process is asked to end. SIGINT: by a person. SIGTERM: by a service manager, which may start it again. */
export type EndSignal = 'SIGINT' | 'SIGTERM';

export interface Signals {
  /** Settles at the first. A second one ends the process at once. */
  readonly first: Promise<EndSignal>;
  /** Aborted by the first. */
  readonly ending: AbortSignal;
}

export function watchSignals(): Signals {
  const ending = new AbortController();
  const first = new Promise<EndSignal>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.on(name, () => {
        if (ending.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
        resolve(name);
        ending.abort(new Error(`ended by ${name}`));
      });
    }
    // Whoever closed the terminal is a person.
    process.on('SIGHUP', () => process.kill(process.pid, 'SIGINT'));
  });
  return { first, ending: ending.signal };
}
