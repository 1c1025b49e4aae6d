import { join } from 'node:path';
import type { ServerSet } from '@pcloud/netmap';
import * as v from 'valibot';
import { corruptFile, parseJson, readStateFile, removeStateFile, writeStateFile } from './state-file.ts';

/** What makes this device a member: which network, where its servers are, and how it takes part. */
export interface Membership {
  readonly networkId: string;
  /** The newest set seen: a lower number is refused. */
  readonly serverSet: ServerSet;
  /** The server that this device joined by: from here, URLs of its link may work where those of the set do not. */
  readonly link: { readonly channelKey: string; readonly urls: readonly string[] };
  /** UDP port. */
  readonly port: number;
  /** What a person asked for last: `pcloud down` holds across a restart. */
  readonly wanted: 'up' | 'down';
  /** Addresses that the hosts of servers' URLs last had, for when no resolver answers. */
  readonly resolved: Readonly<Record<string, readonly string[]>>;
}

export interface MembershipStore {
  /** Undefined while this device belongs to no network. */
  readonly current: Membership | undefined;
  /** Has it on disk when it returns. @throws DaemonError STATE_FAILED */
  save(membership: Membership): void;
  /** This device belongs to no network any more. @throws DaemonError STATE_FAILED */
  remove(): void;
}

const schema = v.object({
  networkId: v.string(),
  serverSet: v.object({
    number: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    servers: v.pipe(
      v.array(
        v.object({ channelKey: v.string(), signKey: v.string(), urls: v.pipe(v.array(v.string()), v.minLength(1)) }),
      ),
      v.minLength(1),
    ),
  }),
  link: v.object({ channelKey: v.string(), urls: v.array(v.string()) }),
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  wanted: v.picklist(['up', 'down']),
  resolved: v.record(v.string(), v.array(v.string())),
});

/**
 * The membership in `membership.json`.
 * @throws DaemonError STATE_CORRUPT, STATE_FAILED
 */
export function openMembership(stateDir: string): MembershipStore {
  const path = join(stateDir, 'membership.json');
  const text = readStateFile(path);
  let current: Membership | undefined;
  if (text !== undefined) {
    const read = v.safeParse(schema, parseJson(text));
    if (!read.success) {
      throw corruptFile(path, 'put it back from a backup, or move it away and join again with "pcloud up LINK"');
    }
    current = read.output;
  }
  return {
    get current() {
      return current;
    },
    save(membership) {
      writeStateFile(path, `${JSON.stringify(membership, undefined, 2)}\n`);
      current = membership;
    },
    remove() {
      removeStateFile(path);
      current = undefined;
    },
  };
}
