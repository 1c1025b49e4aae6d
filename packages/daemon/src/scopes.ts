import { networkInterfaces } from 'node:os';

/** Names and indices of interfaces, which IPv6 scopes are written with. */
export interface Scopes {
  /** The index of an interface's name, 0 when there is none. */
  indexOf(name: string): number;
  /** The name of an interface's index, undefined when there is none. */
  nameOf(index: number): string | undefined;
}

/** The interfaces that have a link-local address, looked up when an unknown one is asked for. */
export function createScopes(interfaces: typeof networkInterfaces = networkInterfaces): Scopes {
  const indices = new Map<string, number>();
  const names = new Map<number, string>();
  const refresh = (): void => {
    indices.clear();
    names.clear();
    for (const [name, addresses] of Object.entries(interfaces())) {
      for (const address of addresses ?? []) {
        if (address.family !== 'IPv6' || address.scopeid === 0) continue;
        indices.set(name, address.scopeid);
        names.set(address.scopeid, name);
      }
    }
  };
  return {
    indexOf(name) {
      if (!indices.has(name)) refresh();
      return indices.get(name) ?? 0;
    },
    nameOf(index) {
      if (!names.has(index)) refresh();
      return names.get(index);
    },
  };
}
