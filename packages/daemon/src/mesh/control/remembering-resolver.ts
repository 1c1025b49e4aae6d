/** Addresses that hosts last had. */
export interface HostMemory {
  load(host: string): readonly string[];
  save(host: string, addresses: readonly string[]): void;
}

/**
 * Resolves hosts, and answers from memory where that fails: a coordinator is found again while no resolver
 * works, the network's own included.
 */
export function createRememberingResolver(
  resolve: (host: string) => Promise<readonly string[]>,
  memory: HostMemory,
): (host: string) => Promise<readonly string[]> {
  return async (host) => {
    try {
      const addresses = await resolve(host);
      if (addresses.length === 0) throw Object.assign(new Error(`${host}: no addresses`), { code: 'ENOTFOUND' });
      if (addresses.join() !== memory.load(host).join()) memory.save(host, addresses);
      return addresses;
    } catch (error) {
      const known = memory.load(host);
      if (known.length === 0) throw error;
      return known;
    }
  };
}
