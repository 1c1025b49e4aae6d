/** Settings of the network, as admins see and change them. */
import * as v from 'valibot';
import { isAtLeast, readAuthority } from '../accounts/index.ts';
import type { Audit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import { type NetworkSettings, networkSettings, settingsPath } from '../network/settings.ts';
import { decideAndCommit } from '../store/decide.ts';
import { encodeRecord, readRecord, type Store } from '../store/index.ts';
import type { Actor } from './operation.ts';

export interface SettingsFace {
  /** Milliseconds; null: keys hold for ever, and devices keep theirs. */
  readonly keyLifeMs: number | null;
  readonly keyRotationMs: number | null;
}

/** What is left out stays. */
export type SettingsWish = { readonly [Name in keyof SettingsFace]?: SettingsFace[Name] };

export const LONGEST_LIFE_MS: number = 3_650 * 86_400_000;
const HOUR_MS = 3_600_000;
const period = v.nullable(v.pipe(v.number(), v.integer(), v.minValue(HOUR_MS), v.maxValue(LONGEST_LIFE_MS)));

export const settingsInput: v.GenericSchema<unknown, SettingsWish> = v.strictObject({
  keyLifeMs: v.exactOptional(period),
  keyRotationMs: v.exactOptional(period),
});

export function settingsFace({ keyLifeMs, keyRotationMs }: NetworkSettings): SettingsFace {
  return { keyLifeMs: keyLifeMs ?? null, keyRotationMs: keyRotationMs ?? null };
}

export interface SettingsDeps {
  readonly store: Store;
  readonly audit: Audit;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
}

/** @returns the revision @throws CoordinatorError FORBIDDEN */
export async function setSettings(
  actor: Actor,
  wish: SettingsWish,
  { store, audit, now }: SettingsDeps,
): Promise<number> {
  const { revision } = await decideAndCommit(store, async () => {
    const { role, compare } = await readAuthority(actor, store);
    if (!isAtLeast(role, 'admin')) throw new CoordinatorError('FORBIDDEN', 'network.set: only an admin may do this');
    const entry = await store.get(settingsPath);
    const before = entry ? readRecord(networkSettings, entry) : {};
    const { keyLifeMs, keyRotationMs } = { ...settingsFace(before), ...wish };
    const keyLifeSetAtMs = keyLifeMs === (before.keyLifeMs ?? null) ? before.keyLifeSetAtMs : now();
    const settings: NetworkSettings = {
      ...(keyLifeMs !== null && { keyLifeMs, keyLifeSetAtMs }),
      ...(keyRotationMs !== null && { keyRotationMs }),
    };
    const detail = { keyLifeMs: keyLifeMs ?? 'off', keyRotationMs: keyRotationMs ?? 'off' };
    return {
      compare: [...compare, { key: settingsPath, revision: entry?.revision ?? 0 }],
      put: [
        { key: settingsPath, value: encodeRecord(settings) },
        audit.put({ actor, action: 'network.set', subject: 'network', detail }),
      ],
    };
  });
  return revision;
}
