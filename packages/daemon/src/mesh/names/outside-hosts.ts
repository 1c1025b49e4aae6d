import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

export interface OutsideHostsDeps {
  /** The machine's servers; undefined while its own way to them does not lead through us. */
  readonly servers: () => readonly string[] | undefined;
  /** Addresses of a host as the machine resolves it. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  /** Of hosts(5). */
  readonly hostsFile: string;
}

/** A server that does not answer holds up nobody for long. Milliseconds, and tries. */
const TIMEOUT_MS = 1_500;
const TRIES = 2;

/**
 * Resolves names of coordinators and the like: never by our own resolver, so that the network does not wait
 * for itself. @returns a function from a host to its addresses, which rejects when there are none
 */
export function createOutsideHosts(deps: OutsideHostsDeps): (host: string) => Promise<readonly string[]> {
  return async (host) => {
    const servers = deps.servers();
    // Names without a dot, and those of RFC 6762, are found by other means than DNS.
    if (servers === undefined || isIP(host) !== 0 || !/\.(?!local\.?$)/i.test(host)) return deps.lookup(host);
    const written = hostsFileAddresses(readHosts(deps.hostsFile), host);
    return written.length > 0 ? written : ask(servers, host);
  };
}

/** Addresses of a host in the text of hosts(5). */
export function hostsFileAddresses(text: string, host: string): string[] {
  const wanted = host.toLowerCase().replace(/\.$/, '');
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return isIP(address) !== 0 && names.some((name) => name.toLowerCase() === wanted) ? [address] : [];
  });
}

async function ask(servers: readonly string[], host: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  resolver.setServers(servers.map((server) => (isIP(server) === 6 ? `[${server}]` : server)));
  const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const addresses = found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  const [first] = found;
  if (addresses.length === 0 && first?.status === 'rejected') throw first.reason;
  return addresses;
}

function readHosts(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
