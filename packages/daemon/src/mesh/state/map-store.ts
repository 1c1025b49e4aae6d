import { join } from 'node:path';
import {
  decodeServerMessage,
  mapFault,
  type NetworkMap,
  type Presence,
  readMapMessage,
  writeMapMessage,
} from '@pcloud/netmap';
import * as v from 'valibot';
import type { Logger } from '../../log.ts';
import { parseJson, readStateFile, removeStateFile, writeStateFile } from './state-file.ts';

/** What a restart needs to find its peers again while no coordinator answers. */
export interface SavedMap {
  readonly map: NetworkMap;
  readonly presence: readonly Presence[];
  /** The endpoint that last worked, by node id. */
  readonly worked: ReadonlyMap<string, string>;
}

export interface MapStore {
  /** The last map; undefined when there is none, or none that can be read, which is warned of. */
  load(networkId: string): SavedMap | undefined;
  /** @throws DaemonError STATE_FAILED */
  save(saved: SavedMap): void;
  remove(): void;
}

const workedSchema = v.object({ worked: v.record(v.string(), v.string()) });

/** The map in `map.json`, a line each: map, presence, endpoints that worked. */
export function openMapStore(stateDir: string, log: Logger): MapStore {
  const path = join(stateDir, 'map.json');

  function read(networkId: string): SavedMap | undefined {
    const [mapLine, presenceLine, workedLine] = (readStateFile(path) ?? '').split('\n');
    const message = decodeServerMessage(mapLine ?? '');
    const map = message?.kind === 'map' ? readMapMessage(message) : undefined;
    if (map === undefined || map.network.id !== networkId || mapFault(map) !== undefined) return undefined;
    const presence = decodeServerMessage(presenceLine ?? '');
    const worked = v.safeParse(workedSchema, parseJson(workedLine ?? ''));
    return {
      map,
      presence: presence?.kind === 'presence' ? presence.nodes : [],
      worked: new Map(worked.success ? Object.entries(worked.output.worked) : []),
    };
  }

  return {
    load(networkId) {
      try {
        const saved = read(networkId);
        if (saved === undefined && readStateFile(path) !== undefined) {
          log.warn({ path }, 'the last map cannot be used; it is fetched anew');
        }
        return saved;
      } catch (error) {
        log.warn({ path, error: (error as Error).message }, 'the last map cannot be read; it is fetched anew');
        return undefined;
      }
    },
    save({ map, presence, worked }) {
      const lines = [
        writeMapMessage(map),
        { kind: 'presence', nodes: presence },
        { worked: Object.fromEntries(worked) },
      ];
      writeStateFile(path, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
    },
    remove: () => removeStateFile(path),
  };
}
