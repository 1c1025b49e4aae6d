import { decodeBase64, openServerSet, parseNetworkId, type ServerSet } from '@pcloud/netmap';
import type { ControlTarget } from './control/client.ts';
import type { SessionEnd } from './control/session.ts';

/** Which servers may speak for the network: the newest set seen, and before the first the one that a link names. */
export interface ServerSets {
  readonly current: ServerSet | undefined;
  /** Looks at what the server with this key sent. @returns why it is none of ours */
  check(signed: Uint8Array | undefined, channelKey: Uint8Array): SessionEnd | undefined;
  targets(): ControlTarget[];
}

export interface ServerSetsOptions {
  readonly networkId: string;
  readonly serverSet: ServerSet | undefined;
  readonly link: { readonly channelKey: string; readonly urls: readonly string[] } | undefined;
  /** A newer set was seen: have it on disk. */
  readonly changed: (set: ServerSet) => void;
}

export function createServerSets(options: ServerSetsOptions): ServerSets {
  const networkId = parseNetworkId(options.networkId)!;
  let current = options.serverSet;

  function hasKey(set: ServerSet, channelKey: Uint8Array): boolean {
    const text = Buffer.from(channelKey).toString('base64');
    return set.servers.some((server) => server.channelKey === text);
  }

  return {
    get current() {
      return current;
    },
    check(signed, channelKey) {
      if (signed !== undefined) {
        const opened = openServerSet(signed, { networkId, previous: current });
        if (opened.kind === 'refused') {
          const isOlder = opened.code === 'OLDER';
          const why = isOlder ? ' is older than one seen before, as after a backup was put back' : ' is refused';
          return { code: 'SERVER_SET_REFUSED', message: `the server's own list of servers${why} (${opened.code})` };
        }
        if (opened.set.number !== current?.number) {
          current = opened.set;
          options.changed(opened.set);
        }
      }
      if (current === undefined) return { code: 'SERVER_SET_REFUSED', message: 'the server has no list of servers' };
      if (hasKey(current, channelKey)) return undefined;
      return { code: 'SERVER_SET_REFUSED', message: 'the server is not, or no more, one of the network' };
    },
    targets() {
      const { link } = options;
      // A server that was struck from the set is asked no more.
      const isStruck = current !== undefined && !current.servers.some((one) => one.channelKey === link?.channelKey);
      const entries = [...(current?.servers ?? []), ...(link === undefined || isStruck ? [] : [link])];
      const targets = new Map<string, ControlTarget>();
      for (const { channelKey, urls } of entries) {
        const key = decodeBase64(channelKey, 32);
        if (key === undefined) continue;
        for (const url of urls) {
          const name = `${channelKey} ${url}`;
          if (!targets.has(name)) targets.set(name, { url, channelKey: key });
        }
      }
      return [...targets.values()];
    },
  };
}
