import type { Fault } from '@pcloud/native';
import type { Logger } from './log.ts';

/** Counts what the kernel refused, and says once what is left out because of it. */
export interface FaultTracker {
  /** Looks for new ones. Call now and then. */
  collect(): void;
  /** All there were, by system call and error. */
  counters(): Readonly<Record<string, number>>;
}

export function createFaultTracker(take: () => readonly Fault[], log: Logger): FaultTracker {
  const counts = new Map<string, number>();
  const told = new Set<string>();

  function collect(): void {
    for (const { syscall, code, count, feature } of take()) {
      const name = `${syscall}-${code}`;
      counts.set(name, (counts.get(name) ?? 0) + count);
      if (feature === undefined || told.has(feature)) continue;
      told.add(feature);
      log.info({ feature, syscall, code }, 'the kernel does not do this; it is left out');
    }
  }

  return {
    collect,
    counters() {
      collect();
      return Object.fromEntries(counts);
    },
  };
}
