import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A program that makes a WireGuard interface: `command IFNAME`, in the foreground with `-f` before the name. */
export interface Implementation {
  readonly name: string;
  readonly command: readonly string[];
  /** Whether it is the one under test, whose own additions (status, state directory) may be used. */
  readonly isOurs: boolean;
}

/** Ways that packets can take through the implementation under test. */
export const DATA_PATHS = ['native', 'offload-off', 'noble', 'noble-dgram'] as const;
export type DataPath = (typeof DATA_PATHS)[number];

const PATH_FLAGS: Readonly<Record<DataPath, readonly string[]>> = {
  native: [],
  'offload-off': ['--offload', 'off'],
  noble: ['--crypto', 'noble'],
  'noble-dgram': ['--crypto', 'noble', '--bind', 'dgram'],
};

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Another program in place of the one under test, to try the tests themselves: `PCLOUD_WG=/usr/bin/wireguard-go`. */
const standIn = process.env.PCLOUD_WG;

/** The implementation under test. */
export function ours(path: DataPath = 'native', ...flags: readonly string[]): Implementation {
  if (standIn) return { name: 'ours', command: [standIn], isOurs: false };
  return { name: 'ours', command: [`${root}dist/pcloud-wg`, ...PATH_FLAGS[path], ...flags], isOurs: true };
}

/** Whether the tests themselves are being tried with another program in place of ours. */
export const isStandIn: boolean = standIn !== undefined;

/** Debian's wireguard-go. */
export const debian: Implementation = { name: 'go-debian', command: ['/usr/bin/wireguard-go'], isOurs: false };

/** The newer one of bookworm-backports, unpacked by `scripts/test`. */
export const backports: Implementation = {
  name: 'go-backports',
  command: [process.env.PCLOUD_WIREGUARD_GO_BACKPORTS ?? `${root}.cache/wireguard-go-backports/usr/bin/wireguard-go`],
  isOurs: false,
};

/** The newest of the Go registry, built by `scripts/test` where a recent Go is installed. */
export const newest: Implementation = {
  name: 'go-newest',
  command: [process.env.PCLOUD_WIREGUARD_GO_NEWEST ?? `${root}.cache/wireguard-go-newest/wireguard`],
  isOurs: false,
};

function hasRecentGo(): boolean {
  try {
    const [, major, minor] = /go(\d+)\.(\d+)/.exec(execFileSync('go', ['version'], { encoding: 'utf8' })) ?? [];
    return Number(major) > 1 || Number(minor) >= 23;
  } catch {
    return false;
  }
}

/**
 * Every other implementation to be tried against.
 * @throws when one that must be here is missing; the newest wireguard-go must be only where Go ≥ 1.23 is installed
 */
export function peers(): Implementation[] {
  const needed = hasRecentGo() ? [debian, backports, newest] : [debian, backports];
  for (const { name, command } of needed) {
    if (!existsSync(command[0]!)) throw new Error(`${name}: ${command[0]} is missing; scripts/test provides it`);
  }
  return needed;
}

/** The newest wireguard-go at hand. */
export function newestPeer(): Implementation {
  return peers().at(-1)!;
}
