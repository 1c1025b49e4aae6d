import { lookup } from 'node:dns/promises';
import { readFile, stat } from 'node:fs/promises';
import { type NamedEndpoint, parseEndpointNames } from './endpoint-config.ts';

/** Reads the endpoint names of a configuration file, again only when it has changed; none when it cannot be read. */
export function createNamesFile(path: string): () => Promise<ReadonlyMap<string, NamedEndpoint>> {
  let names: ReadonlyMap<string, NamedEndpoint> = new Map();
  let readAtMs = -1;
  return async () => {
    try {
      const { mtimeMs } = await stat(path);
      if (mtimeMs !== readAtMs) {
        names = parseEndpointNames(await readFile(path, 'utf8'));
        readAtMs = mtimeMs;
      }
    } catch {
      names = new Map();
      readAtMs = -1;
    }
    return names;
  };
}

/** Addresses of a host as this machine resolves names, A and AAAA together, in the system's order. */
export async function resolveHost(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map((entry) => entry.address);
}
