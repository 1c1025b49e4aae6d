import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import type { Contestant } from './contestants.ts';

/** What a figure is worthless without. */
export interface Machine {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  readonly openssl: string;
  /** First line of `--version`, by contestant. */
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(contestants: readonly Contestant[]): Machine {
  const versions: Record<string, string> = {};
  for (const { name, implementation } of contestants) {
    const [program] = implementation.command;
    versions[name] = execFileSync(program!, ['--version'], { encoding: 'utf8' }).split('\n')[0]!.trim();
  }
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]!.model,
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    openssl: process.versions.openssl,
    versions,
  };
}
