/**
 * How the root leaves the server. It works on the state directory, beside a coordinator that may run, so that
 * nothing that answers on a socket ever reads the root for somebody else.
 */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { CoordinatorError } from '../errors.ts';
import { kitOf, parseKit, type RecoveryKit } from './kit.ts';
import { readRecoveryRecord, writeRecoveryRecord } from './record.ts';
import { destroyRoot, readRoot } from './root-key.ts';

export interface RecoveryStatus {
  /** `untaken` and `taken`: the root is on this disk. `confirmed`: somebody has it, and this disk has not. */
  readonly state: 'untaken' | 'taken' | 'confirmed';
  /** As text; null where nothing here tells it any more. */
  readonly networkId: string | null;
  /** Wall clock, milliseconds. */
  readonly takenAtMs: number | null;
  readonly confirmedAtMs: number | null;
}

/** @throws CoordinatorError NETWORK_UNKNOWN where there is no network, FORBIDDEN, KEY_FILE_INVALID */
export function recoveryStatus(stateDir: string): RecoveryStatus {
  const root = openRoot(stateDir);
  const record = readRecoveryRecord(stateDir);
  if (root === undefined) {
    const { networkId = null, takenAtMs = null, confirmedAtMs = null } = record ?? {};
    return { state: 'confirmed', networkId, takenAtMs, confirmedAtMs };
  }
  const { networkId } = kitOf(root);
  root.fill(0);
  const takenAtMs = (record?.networkId === networkId ? record.takenAtMs : undefined) ?? null;
  return { state: takenAtMs === null ? 'untaken' : 'taken', networkId, takenAtMs, confirmedAtMs: null };
}

/**
 * Gives the kit out, as often as is asked for, until it was confirmed.
 * @param give has it before it counts as taken
 * @throws CoordinatorError NETWORK_UNKNOWN, FORBIDDEN, KIT_CONFIRMED, KEY_FILE_INVALID, and what `give` throws
 */
export function takeKit(stateDir: string, wallMs: number, give: (kit: RecoveryKit) => void): void {
  const root = openRoot(stateDir);
  if (root === undefined) {
    const message = 'recovery kit: it was confirmed, and the root is not on this disk any more; the kit alone has it';
    throw new CoordinatorError('KIT_CONFIRMED', message);
  }
  try {
    const kit = kitOf(root);
    give(kit);
    writeRecoveryRecord(stateDir, { networkId: kit.networkId, takenAtMs: wallMs });
  } finally {
    root.fill(0);
  }
}

/**
 * Takes a proof that somebody has the kit, and destroys the root on this disk. A kit can be checked in this way
 * later on as well.
 * @param text the kit's file, or its words
 * @returns whether the root was here until now
 * @throws CoordinatorError NETWORK_UNKNOWN, FORBIDDEN, KIT_INVALID, KIT_OTHER, KEY_FILE_INVALID
 */
export function confirmKit(stateDir: string, text: string, wallMs: number): { networkId: string; destroyed: boolean } {
  const { networkId, root: given } = parseKit(text);
  given.fill(0);
  const root = openRoot(stateDir);
  const record = readRecoveryRecord(stateDir);
  const expected = root === undefined ? record?.networkId : kitOf(root).networkId;
  root?.fill(0);
  if (expected === undefined) {
    throw new CoordinatorError('NETWORK_UNKNOWN', `"${stateDir}": neither a root nor a note of one, to compare with`);
  }
  if (networkId !== expected) {
    throw new CoordinatorError('KIT_OTHER', `recovery kit: it is that of another network, ${networkId}`);
  }
  if (root === undefined) return { networkId, destroyed: false };
  const { takenAtMs } = record?.networkId === networkId ? record : {};
  // First the note: a start that finds it ends what is interrupted here.
  writeRecoveryRecord(stateDir, { networkId, ...(takenAtMs !== undefined && { takenAtMs }), confirmedAtMs: wallMs });
  destroyRoot(stateDir);
  return { networkId, destroyed: true };
}

/** @throws CoordinatorError NETWORK_UNKNOWN, FORBIDDEN, KEY_FILE_INVALID */
function openRoot(stateDir: string): Uint8Array | undefined {
  try {
    accessSync(join(stateDir, 'channel.key'), constants.R_OK);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EACCES') {
      throw new CoordinatorError('FORBIDDEN', `"${stateDir}": only root may look there; run it with sudo`, { cause });
    }
    throw new CoordinatorError('NETWORK_UNKNOWN', `"${stateDir}": no network was started here`, { cause });
  }
  return readRoot(stateDir);
}
