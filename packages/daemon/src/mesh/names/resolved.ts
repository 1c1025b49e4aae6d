import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Logger } from '../../log.ts';
import { nameserversOf } from './resolv-conf.ts';

/** systemd-resolved, which asks another server for each domain. */
export interface Resolved {
  /** Whether it runs here, and programs ask it. @param text of resolv.conf */
  isInUse(text: string): boolean;
  /** Has the domains asked of the servers, on the interface. Rejects when it will not. */
  configure(servers: readonly string[], domains: readonly string[]): Promise<void>;
  /** As if the interface were new. Returns once it is done, or it took too long. */
  revert(): void;
}

export interface ResolvedDeps {
  /** Runs a program to its end. Rejects when it fails. */
  readonly run: (file: string, args: readonly string[]) => Promise<void>;
  readonly runNow: (file: string, args: readonly string[]) => void;
  readonly exists: (path: string) => boolean;
  readonly log: Logger;
}

/** Where it listens while it runs. */
const SOCKET = '/run/systemd/resolve/io.systemd.Resolve';
/** Its addresses on every machine. */
export const STUBS: readonly string[] = ['127.0.0.53', '127.0.0.54'];
const PROGRAM = 'resolvectl';
const TIMEOUT_MS = 5_000;
const REVERT_TIMEOUT_MS = 2_000;

/** What servers of the internet need and ours does not, or what would have others asked as well. */
const SETTINGS: readonly (readonly [string, string])[] = [
  ['default-route', 'no'],
  ['dnssec', 'no'],
  ['dnsovertls', 'no'],
  ['llmnr', 'no'],
  ['mdns', 'no'],
];

export function createResolved(interfaceName: string, { run, runNow, exists, log }: ResolvedDeps): Resolved {
  return {
    isInUse: (text) => nameserversOf(text).some((server) => STUBS.includes(server)) && exists(SOCKET),
    async configure(servers, domains) {
      await run(PROGRAM, ['dns', interfaceName, ...servers]);
      await run(PROGRAM, ['domain', interfaceName, ...domains.map((domain) => `~${domain}`)]);
      for (const [setting, value] of SETTINGS) {
        // Older ones do not know them all.
        await run(PROGRAM, [setting, interfaceName, value]).catch((error: Error) =>
          log.debug({ setting, error: error.message }, 'systemd-resolved refused a setting'),
        );
      }
    },
    revert: () => runNow(PROGRAM, ['revert', interfaceName]),
  };
}

/** The programs of this machine. */
export const systemPrograms: Pick<ResolvedDeps, 'run' | 'runNow' | 'exists'> = {
  exists: existsSync,
  run: (file, args) =>
    new Promise((resolve, reject) => {
      execFile(file, [...args], { timeout: TIMEOUT_MS }, (error) => (error === null ? resolve() : reject(error)));
    }),
  runNow: (file, args) => void spawnSync(file, [...args], { stdio: 'ignore', timeout: REVERT_TIMEOUT_MS }),
};
