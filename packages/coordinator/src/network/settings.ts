/** What the network's admins have set, under `settings`; nothing until somebody does. */
import * as v from 'valibot';
import { textKey } from '../store/index.ts';

export interface NetworkSettings {
  /** How long a node key holds before it has to be renewed; left out: for ever. */
  readonly keyLifeMs?: number | undefined;
  /** When that was set: a key that is older counts from then, so that no setting ends keys at once. Wall clock. */
  readonly keyLifeSetAtMs?: number | undefined;
  /** How old a node key becomes before its device replaces it by itself; left out: as old as it likes. */
  readonly keyRotationMs?: number | undefined;
}

export const networkSettings: v.GenericSchema<unknown, NetworkSettings> = v.object({
  keyLifeMs: v.optional(v.number()),
  keyLifeSetAtMs: v.optional(v.number()),
  keyRotationMs: v.optional(v.number()),
});

export const settingsPath: Uint8Array = textKey('settings');
