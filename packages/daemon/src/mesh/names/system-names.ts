import { readFileSync } from 'node:fs';
import { formatAddress, type Prefix } from '@pcloud/ip';
import type { NetworkMap } from '@pcloud/netmap';
import type { Clock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import { resolveHost } from '../../names-file.ts';
import { parseNameservers, readNameservers } from '../interface/nameservers.ts';
import { prefixesOf } from '../interface/plan.ts';
import type { MachineNetwork } from '../machine.ts';
import type { DnsMode, MeshNames } from '../names.ts';
import { createAskServer } from './ask-server.ts';
import { isOfAnotherNetwork } from './foreign-file.ts';
import { createForwarder } from './forwarder.ts';
import { createHostTable, domainsOf, type HostTable } from './host-table.ts';
import { type Listener, listenForNames } from './listener.ts';
import { createOutsideHosts } from './outside-hosts.ts';
import { createOwnHost } from './own-host.ts';
import { createResolvFile } from './resolv-file.ts';
import { createResolved, type ResolvedDeps, systemPrograms } from './resolved.ts';
import { createResolver } from './resolver.ts';
import { reverseZones } from './reverse-names.ts';
import { createSplitDns } from './split-dns.ts';
import { watchFile } from './watch-file.ts';

/** Names of the mesh for the programs of this machine. */
export interface SystemNames extends MeshNames {
  /** The machine's own resolvers, ours not among them. 4 or 16 bytes each. */
  nameservers(): Uint8Array[];
  /** Addresses of a host that is no node, never by our own resolver. Rejects when there are none. */
  resolveHost(host: string): Promise<readonly string[]>;
}

export interface SystemNamesOptions {
  readonly stateDir: string;
  /** Of the mesh. */
  readonly interfaceName: string;
  /** `auto` unless said. */
  readonly dns?: DnsMode;
  /** What follows is for tests. */
  readonly resolvConf?: string;
  readonly port?: number;
  readonly serverPort?: number;
}

export interface SystemNamesDeps {
  readonly network: Pick<MachineNetwork, 'linkInfo' | 'addressList' | 'routeList'>;
  readonly clock: Clock;
  readonly random: (out: Uint8Array) => void;
  readonly log: Logger;
  readonly programs?: Pick<ResolvedDeps, 'run' | 'runNow' | 'exists'>;
}

const RESOLV_CONF = '/etc/resolv.conf';
const UPLINKS = '/run/systemd/resolve/resolv.conf';
/** An address that the interface has not, or not yet; a port that another program has. Milliseconds. */
const RETRY_MS = 5_000;

export function createSystemNames(options: SystemNamesOptions, deps: SystemNamesDeps): SystemNames {
  const { stateDir, interfaceName, dns = 'auto', resolvConf = RESOLV_CONF, port = 53 } = options;
  const { clock, log, network } = deps;
  let map: NetworkMap | undefined;
  let table: HostTable | undefined;
  const listeners = new Map<string, Listener>();
  const opening = new Set<string>();
  const warned = new Set<string>();
  let cancelRetry: (() => void) | undefined;
  /** Counts stops: what was begun before one is nothing to those after it. */
  let life = 0;

  const host = createOwnHost({ interfaceName, network, clock });
  const file = createResolvFile({ path: resolvConf, stateDir, keepsOthers: asksInOrder() }, log);
  const splitDns = createSplitDns({
    path: resolvConf,
    isForeign: () => isOfAnotherNetwork(resolvConf),
    file,
    resolved: createResolved(interfaceName, { ...systemPrograms, ...deps.programs, log }),
    readUplinks: () => readNameservers([UPLINKS]).map(formatAddress).filter(isNotOwn),
    watch: (changed) => watchFile(resolvConf, clock, changed),
    clock,
    log,
  });
  const forwarder = createForwarder({
    servers: () => (splitDns.upstreams ?? []).filter(isNotOwn),
    ask: createAskServer(options.serverPort),
    clock,
    random: deps.random,
  });
  const resolver = createResolver({
    table: () => {
      if (map !== undefined) table ??= createHostTable(map);
      return table;
    },
    host,
    forwarder,
    forwards: () => splitDns.forwards,
  });

  function isNotOwn(address: string): boolean {
    return map?.self.addresses.includes(address) !== true;
  }

  function update(): void {
    const wanted = new Set(map?.self.addresses);
    for (const [address, listener] of listeners) {
      if (wanted.has(address)) continue;
      listener.close();
      listeners.delete(address);
    }
    for (const address of wanted) if (!listeners.has(address) && !opening.has(address)) void open(address);
    tell();
  }

  async function open(address: string): Promise<void> {
    const begunIn = life;
    opening.add(address);
    try {
      const listener = await listenForNames(address, port, resolver);
      if (begunIn !== life) return listener.close();
      opening.delete(address);
      listeners.set(address, listener);
      warned.delete(address);
      tell();
    } catch (error) {
      if (begunIn !== life) return;
      opening.delete(address);
      handleFailure(address, (error as NodeJS.ErrnoException).code ?? 'unknown');
    }
  }

  function handleFailure(address: string, code: string): void {
    // Where the LAN has the mesh's range, the interface has no IPv4 address, and IPv6 does.
    if (code !== 'EADDRNOTAVAIL' && !warned.has(address)) {
      warned.add(address);
      log.warn({ code, port }, 'the resolver cannot listen; stop what uses the port, or names of nodes stay unknown');
    }
    cancelRetry ??= clock.setTimer(() => {
      cancelRetry = undefined;
      update();
    }, RETRY_MS);
    tell();
  }

  function tell(): void {
    if (dns === 'off') return;
    const servers = (map?.self.addresses ?? []).filter((address) => listeners.has(address));
    if (map === undefined || servers.length === 0 || opening.size > 0) return;
    const zones = prefixesOf(map).filter(isWhole).flatMap(reverseZones);
    splitDns.apply({ servers: servers.slice(0, 1), domains: [...domainsOf(map), ...zones] });
  }

  /** Names of a range that is this machine's as well are its own resolvers'. */
  function isWhole(prefix: Prefix): boolean {
    return prefix.address.length === 16 || !host.overlaps(prefix);
  }

  function stop(): void {
    process.off('exit', stop);
    life += 1;
    map = undefined;
    table = undefined;
    cancelRetry?.();
    cancelRetry = undefined;
    opening.clear();
    warned.clear();
    splitDns.stop();
    for (const listener of listeners.values()) listener.close();
    listeners.clear();
    forwarder.stop();
  }

  return {
    status: () => ({ dns, addresses: [...listeners.keys()], counters: { ...resolver.counts } }),
    recover() {
      try {
        file.recover();
      } catch (error) {
        log.error({ error: (error as Error).message }, 'resolv.conf cannot be put back as it was');
      }
    },
    apply(next) {
      if (map === undefined) process.once('exit', stop);
      map = next;
      table = undefined;
      update();
    },
    stop,
    nameservers() {
      const { upstreams } = splitDns;
      const found = upstreams === undefined ? readNameservers() : parseNameservers(upstreams.map(asLine).join('\n'));
      return found.filter((address) => isNotOwn(formatAddress(address)));
    },
    resolveHost: createOutsideHosts({
      servers: () => splitDns.upstreams?.filter(isNotOwn),
      lookup: resolveHost,
      hostsFile: '/etc/hosts',
    }),
  };
}

function asLine(server: string): string {
  return `nameserver ${server}`;
}

/** Programs linked with musl ask all servers at once, and believe the first: node is linked with what they are. */
function asksInOrder(): boolean {
  try {
    return !readFileSync('/proc/self/maps', 'utf8').includes('/ld-musl-');
  } catch {
    return true;
  }
}
