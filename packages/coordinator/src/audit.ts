/** Who did what, when and from where: put by the same commit as the deed wherever there is one. */
import * as v from 'valibot';
import type { Random } from './accounts/secret.ts';
import type { Actor } from './operations/operation.ts';
import { below, encodeRecord, lastPart, readRecord, type Store, type StorePut, textKey } from './store/index.ts';

export interface AuditEvent {
  readonly actor: Actor | 'nobody';
  /** A constant: `users.create`. */
  readonly action: string;
  /** What it was done to: `user:<id>`. */
  readonly subject?: string | undefined;
  /** No secret, and no hash of one. */
  readonly detail?: Readonly<Record<string, AuditValue>>;
  /** The address it came from, where the actor does not say it. */
  readonly source?: string | undefined;
}

export type AuditValue = string | number | boolean;

export interface AuditRecord {
  /** Of this entry: later ones come before earlier ones. */
  readonly id: string;
  readonly atMs: number;
  /** `root`, `nobody`, `user:<id>`, or `user:<id> node:<id>` for one who asked from a device. */
  readonly actor: string;
  /** An address; `local` for root on the server. */
  readonly source?: string | undefined;
  readonly action: string;
  readonly subject?: string | undefined;
  readonly detail?: Readonly<Record<string, AuditValue>> | undefined;
}

export interface AuditListOptions {
  /** Only what was before the entry with this id. */
  readonly before?: string | undefined;
  /** Only what was at this time or later, wall clock milliseconds. */
  readonly sinceMs?: number | undefined;
}

/** It only grows, and is cut at its old end. */
export interface Audit {
  /** The event as a part of a commit. */
  put(event: AuditEvent): StorePut;
  append(event: AuditEvent): Promise<void>;
  /** The newest, newest first. */
  list(limit: number, options?: AuditListOptions): Promise<AuditRecord[]>;
  /** Takes away what is older than `AUDIT_KEPT`, or too much. @returns how many for either */
  prune(): Promise<{ readonly old: number; readonly excess: number }>;
}

export interface AuditDeps {
  readonly store: Store;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly random: Random;
}

/** What is kept: so long, and so much at most, which is some 80 MB. */
export const AUDIT_KEPT: { readonly ms: number; readonly entries: number } = { ms: 400 * 86_400_000, entries: 250_000 };

const auditRecord: v.GenericSchema<unknown, Omit<AuditRecord, 'id'>> = v.object({
  atMs: v.number(),
  actor: v.string(),
  source: v.optional(v.string()),
  action: v.string(),
  subject: v.optional(v.string()),
  detail: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
});

/** Times count down to this, so that a list, which goes upwards only, has the newest first. */
const LAST_MS = 9_999_999_999_999;
const LAST_NUMBER = 2 ** 48;
const PAGE = 1_000;
const PER_COMMIT = 100;
const AUDIT = below('audit');

export function createAudit({ store, now, random }: AuditDeps, kept: typeof AUDIT_KEPT = AUDIT_KEPT): Audit {
  // A start at random: a clock that was set back must not let new entries take the places of old ones.
  let number = randomNumber(random);

  function put({ actor, action, subject, detail, source }: AuditEvent): StorePut {
    number = (number + 1) % LAST_NUMBER;
    const atMs = now();
    const from = source ?? sourceOf(actor);
    const value = encodeRecord({ atMs, actor: nameOf(actor), source: from, action, subject, detail });
    return { key: keyOf(`${timePart(atMs)}-${String(LAST_NUMBER - number).padStart(15, '0')}`), value };
  }

  async function remove(after: Uint8Array): Promise<number> {
    let count = 0;
    for (;;) {
      const { entries } = await store.list(AUDIT, { limit: PER_COMMIT, after });
      if (entries.length === 0) return count;
      await store.commit({ compare: [], put: entries.map(({ key }) => ({ key, value: undefined })) });
      count += entries.length;
    }
  }

  /** The key of the last entry that there is room for, if there are more. */
  async function lastKept(): Promise<Uint8Array | undefined> {
    let after: Uint8Array | undefined;
    for (let left = kept.entries; left > 0; left -= PAGE) {
      const { entries } = await store.list(AUDIT, { limit: Math.min(left, PAGE), after });
      if (entries.length < Math.min(left, PAGE)) return undefined;
      after = entries.at(-1)!.key;
    }
    return after;
  }

  return {
    put,
    async append(event) {
      await store.commit({ compare: [], put: [put(event)] });
    },
    async list(limit, { before, sinceMs = 0 } = {}) {
      const { entries } = await store.list(AUDIT, { limit, after: before === undefined ? undefined : keyOf(before) });
      const records = entries.map((entry) => ({ id: lastPart(entry.key), ...readRecord(auditRecord, entry) }));
      return records.filter(({ atMs }) => atMs >= sinceMs);
    },
    async prune() {
      const old = await remove(keyOf(timePart(now() - kept.ms)));
      const last = await lastKept();
      return { old, excess: last === undefined ? 0 : await remove(last) };
    },
  };
}

function keyOf(id: string): Uint8Array {
  return textKey('audit', id);
}

function timePart(atMs: number): string {
  return String(LAST_MS - Math.trunc(atMs)).padStart(13, '0');
}

function sourceOf(actor: Actor | 'nobody'): string | undefined {
  if (actor === 'nobody') return undefined;
  return actor.source ?? (actor.kind === 'root' ? 'local' : undefined);
}

function nameOf(actor: Actor | 'nobody'): string {
  if (actor === 'nobody') return actor;
  if (actor.kind === 'root') return 'root';
  return actor.nodeId === undefined ? `user:${actor.userId}` : `user:${actor.userId} node:${actor.nodeId}`;
}

function randomNumber(random: Random): number {
  const bytes = new Uint8Array(5);
  random(bytes);
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}
