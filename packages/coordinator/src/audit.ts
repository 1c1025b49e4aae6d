/** Who did what and when: put by the same commit as the deed wherever there is one. */
import * as v from 'valibot';
import type { Random } from './accounts/secret.ts';
import type { Actor } from './operations/operation.ts';
import { below, encodeRecord, readRecord, type Store, type StorePut, textKey } from './store/index.ts';

export interface AuditEvent {
  readonly actor: Actor | 'nobody';
  /** A constant: `users.create`. */
  readonly action: string;
  /** What it was done to: `user:<id>`. */
  readonly subject?: string | undefined;
  /** No secret, and no hash of one. */
  readonly detail?: Readonly<Record<string, AuditValue>>;
}

export type AuditValue = string | number | boolean;

export interface AuditRecord {
  readonly atMs: number;
  /** `root`, `nobody`, `user:<id>`, or `user:<id> node:<id>` for one who asked from a device. */
  readonly actor: string;
  readonly action: string;
  readonly subject?: string | undefined;
  readonly detail?: Readonly<Record<string, AuditValue>> | undefined;
}

export interface Audit {
  /** The event as a part of a commit. */
  put(event: AuditEvent): StorePut;
  append(event: AuditEvent): Promise<void>;
  /** The newest, newest first. */
  list(limit: number): Promise<AuditRecord[]>;
}

export interface AuditDeps {
  readonly store: Store;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly random: Random;
}

const auditRecord: v.GenericSchema<unknown, AuditRecord> = v.object({
  atMs: v.number(),
  actor: v.string(),
  action: v.string(),
  subject: v.optional(v.string()),
  detail: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
});

/** Times count down to this, so that a list, which goes upwards only, has the newest first. */
const LAST_MS = 9_999_999_999_999;
const LAST_NUMBER = 2 ** 48;

export function createAudit({ store, now, random }: AuditDeps): Audit {
  // A start at random: a clock that was set back must not let new entries take the places of old ones.
  let number = randomNumber(random);

  function put({ actor, action, subject, detail }: AuditEvent): StorePut {
    number = (number + 1) % LAST_NUMBER;
    const atMs = now();
    const time = String(LAST_MS - Math.trunc(atMs)).padStart(13, '0');
    const value = encodeRecord({ atMs, actor: nameOf(actor), action, subject, detail });
    return { key: textKey('audit', `${time}-${String(LAST_NUMBER - number).padStart(15, '0')}`), value };
  }

  return {
    put,
    async append(event) {
      await store.commit({ compare: [], put: [put(event)] });
    },
    async list(limit) {
      const { entries } = await store.list(below('audit'), { limit });
      return entries.map((entry) => readRecord(auditRecord, entry));
    },
  };
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
