import type { Clock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import { lookAt, type Place } from './put-file.ts';
import { nameserversOf, writerOf } from './resolv-conf.ts';
import type { ResolvFile } from './resolv-file.ts';
import { type Resolved, STUBS } from './resolved.ts';

/** What this machine's resolver is to be told. */
export interface SplitDnsRequest {
  /** Where we answer. */
  readonly servers: readonly string[];
  readonly domains: readonly string[];
}

/** Has questions for names of the mesh come to us, by what the machine has for it. */
export interface SplitDns {
  /** Whether questions for all names come to us. */
  readonly forwards: boolean;
  /** The machine's own servers, where we stand before them; undefined where we do not. */
  readonly upstreams: readonly string[] | undefined;
  apply(request: SplitDnsRequest): void;
  /** The machine is as it was. */
  stop(): void;
}

export interface SplitDnsDeps {
  readonly path: string;
  /** Whether what the path names is another network's. */
  readonly isForeign: () => boolean;
  readonly file: ResolvFile;
  readonly resolved: Resolved;
  /** Nameservers that systemd-resolved asks. */
  readonly readUplinks: () => readonly string[];
  readonly watch: (changed: () => void) => () => void;
  readonly clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly log: Logger;
}

/** resolv.conf(5): who is asked where the file names nobody. */
const DEFAULT_SERVER = '127.0.0.1';
/** Others may write the file as well, and as often. Nobody wins a fight: it is left to them for a while. */
const TAKES = 5;
const TAKES_WITHIN_MS = 60_000;

export function createSplitDns(deps: SplitDnsDeps): SplitDns {
  const { file, resolved, clock, log } = deps;
  let request: SplitDnsRequest | undefined;
  let stopWatching = (): void => {};
  /** What systemd-resolved was told; undefined while it knows nothing of us. */
  let told: string | undefined;
  /** It would not be told: the file does it. */
  let isResolvedBroken = false;
  let takes: number[] = [];
  let warned = '';

  function warnOnce(error: string): void {
    if (error !== warned) log.warn({ error }, 'resolv.conf cannot be changed; names work by asking us alone');
    warned = error;
  }

  function check(): void {
    if (request === undefined) return;
    if (deps.isForeign()) {
      warnOnce("it is the machine's, and this network namespace has none; make one in /etc/netns");
      return;
    }
    try {
      const text = textOf(lookAt(deps.path));
      if (isResolvedBroken || writerOf(text).kind === 'pcloud' || !resolved.isInUse(text)) {
        holdFile(request);
      } else {
        file.release();
        tellResolved(request);
      }
    } catch (error) {
      warnOnce((error as Error).message);
    }
  }

  function tellResolved(wanted: SplitDnsRequest): void {
    const text = JSON.stringify(wanted);
    if (told === text) return;
    told = text;
    resolved.configure(wanted.servers, wanted.domains).catch((error: Error) => {
      if (told !== text) return;
      log.warn({ error: error.message }, 'systemd-resolved would not be told of our names; resolv.conf is changed');
      forgetResolved();
      isResolvedBroken = true;
      check();
    });
  }

  function forgetResolved(): void {
    if (told === undefined) return;
    told = undefined;
    resolved.revert();
  }

  function holdFile({ servers }: SplitDnsRequest): void {
    const now = clock.now();
    takes = takes.filter((at) => now - at < TAKES_WITHIN_MS);
    if (takes.length >= TAKES) return;
    forgetResolved();
    if (!file.hold(servers)) return;
    takes.push(now);
    if (takes.length === TAKES)
      log.warn({}, 'somebody else keeps changing resolv.conf; it is left to them for a minute');
    log.info({}, 'resolv.conf has our resolver first');
  }

  return {
    get forwards() {
      return file.original !== undefined;
    },
    get upstreams() {
      const { original } = file;
      if (original === undefined) return undefined;
      const servers = nameserversOf(textOf(original)).filter((server) => !request?.servers.includes(server));
      // Behind its stub may stand what it read in our file.
      const direct = servers.some((server) => STUBS.includes(server)) ? deps.readUplinks() : [];
      const chosen = [...servers.filter((server) => direct.length === 0 || !STUBS.includes(server)), ...direct];
      return chosen.length === 0 ? [DEFAULT_SERVER] : chosen;
    },
    apply(wanted) {
      if (request === undefined) stopWatching = deps.watch(check);
      request = wanted;
      check();
    },
    stop() {
      request = undefined;
      stopWatching();
      stopWatching = () => {};
      takes = [];
      isResolvedBroken = false;
      forgetResolved();
      try {
        file.release();
      } catch (error) {
        log.error({ error: (error as Error).message }, 'resolv.conf cannot be put back; the next start tries again');
      }
    },
  };
}

function textOf(place: Place): string {
  return place.kind === 'none' ? '' : (place.text ?? '');
}
