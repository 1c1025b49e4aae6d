import { createFailureLimiter } from '../accounts/failure-limiter.ts';
import { readAuthority, userPaths, userRecord } from '../accounts/index.ts';
import { isAtLeast } from '../accounts/role-rules.ts';
import { hashSecret, type Random } from '../accounts/secret.ts';
import type { Audit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { Admission } from '../nodes/admission.ts';
import type { Renewal } from '../nodes/renewal.ts';
import type { Actor } from '../operations/operation.ts';
import { decideAndCommit } from '../store/decide.ts';
import { below, encodeRecord, readRecord, type Store, type StoreCommit, textKey } from '../store/index.ts';
import { normalizeTags } from '../tokens/tags.ts';
import { type ApprovalInfo, type ApprovalRecord, approvalRecord } from './approval-record.ts';
import { newCode, parseCode } from './code.ts';

export interface ApprovalRequest {
  /** Public keys, base64; both are proven. */
  readonly machineKey: string;
  readonly nodeKey: string;
  readonly name: string;
  readonly source: string;
  /** The node that the machine is, when its key is to be renewed. */
  readonly renews?: string;
}

export type ApprovalRefusal = 'APPROVAL_DENIED' | 'APPROVAL_EXPIRED' | 'USER_DISABLED';

/** Machines without a token: each shows a code, and somebody who is signed in types it. */
export interface Approvals {
  /** @throws CoordinatorError RATE_LIMITED when this source, or all together, wait with too many */
  request(request: ApprovalRequest): Promise<{ readonly code: string; readonly expiresInMs: number }>;
  /** What the code stands for. @throws CoordinatorError APPROVAL_UNKNOWN, APPROVAL_EXPIRED, APPROVAL_DECIDED, RATE_LIMITED */
  look(actor: Actor, typed: string): Promise<ApprovalInfo>;
  /**
   * Lets the machine in as a node of who approves, or of tags.
   * @throws CoordinatorError as `look`, FORBIDDEN, INPUT_INVALID
   */
  approve(actor: Actor, typed: string, options?: { readonly tags?: readonly string[] }): Promise<ApprovalInfo>;
  /** @throws CoordinatorError as `look` */
  deny(actor: Actor, typed: string): Promise<ApprovalInfo>;
  /**
   * Resolves once it is decided or has expired, or by the signal.
   * @throws StoreError
   */
  wait(code: string, signal: AbortSignal): Promise<void>;
  /** For the machine and the keys that asked: parts of the commit with which it joins, used up by success only. */
  admit(
    code: string,
    keys: Pick<ApprovalRequest, 'machineKey' | 'nodeKey'>,
  ): Promise<Admission | { readonly refusal: ApprovalRefusal } | 'pending'>;
  /** The machine went away. */
  cancel(code: string): Promise<void>;
}

export interface ApprovalsDeps {
  readonly store: Store;
  /** Wall clock of the server, milliseconds: it alone decides what has expired. */
  readonly now: () => number;
  /** @returns a function that cancels */
  readonly setTimer: (callback: () => void, ms: number) => () => void;
  readonly random: Random;
  readonly audit: Audit;
  readonly renewal: Pick<Renewal, 'prepare'>;
}

export const APPROVAL_EXPIRY_MS = 600_000;
/** Codes shown at a time: guessing one takes 10^9 attempts, and each user has five and one a minute. */
const MAX_PENDING = 200;
const MAX_OF_SOURCE = 10;

export function createApprovals({ store, now, setTimer, random, audit, renewal }: ApprovalsDeps): Approvals {
  const limiter = createFailureLimiter(now);
  const keyOf = (code: string): Uint8Array => textKey('approvals', hashSecret('approval', code));

  async function read(code: string) {
    const entry = await store.get(keyOf(code));
    return entry && { key: entry.key, revision: entry.revision, record: readRecord(approvalRecord, entry) };
  }

  /** Takes away what has expired. @returns the rest */
  async function collect(): Promise<ApprovalRecord[]> {
    const { entries } = await store.list(below('approvals'));
    const rest: ApprovalRecord[] = [];
    for (const { key, value, revision } of entries) {
      const record = readRecord(approvalRecord, { key, value });
      if (now() < record.expiresAtMs) rest.push(record);
      else await store.commit({ compare: [{ key, revision }], put: [{ key, value: undefined }] });
    }
    return rest;
  }

  /** What was typed, found, and still to be decided. A wrong code is a guess. */
  async function find(actor: Actor, typed: string) {
    const who = actor.kind === 'root' ? 'root' : actor.userId;
    const giveBack = limiter.attempt([{ key: who, burst: 5, regainMs: 60_000 }]);
    const code = parseCode(typed);
    const found = code === undefined ? undefined : await read(code);
    if (!found) throw new CoordinatorError('APPROVAL_UNKNOWN', 'no machine shows this code');
    giveBack();
    if (now() >= found.record.expiresAtMs) {
      throw new CoordinatorError('APPROVAL_EXPIRED', 'this code has expired; run the command on the machine again');
    }
    if (found.record.state !== 'pending') {
      throw new CoordinatorError('APPROVAL_DECIDED', `this machine was ${found.record.state} already`);
    }
    return found;
  }

  /** The node's key is renewed by the very commit that approves it. */
  async function renews(
    actor: Actor,
    { renews: nodeId }: ApprovalRecord,
    { state, tags = [] }: Pick<ApprovalRecord, 'state' | 'tags'>,
  ): Promise<StoreCommit> {
    if (nodeId === undefined || state !== 'approved') return { compare: [], put: [] };
    if (tags.length > 0) throw new CoordinatorError('INPUT_INVALID', 'tags: this device is in the network already');
    return renewal.prepare(actor, nodeId);
  }

  async function decide(
    actor: Actor,
    typed: string,
    decision: Pick<ApprovalRecord, 'state' | 'tags'>,
  ): Promise<ApprovalInfo> {
    const { record } = await decideAndCommit(store, async () => {
      const authority = await readAuthority(actor, store);
      if (decision.tags?.length && !isAtLeast(authority.role, 'admin')) {
        throw new CoordinatorError('FORBIDDEN', 'only an admin or an owner may give tags');
      }
      const { key, revision, record: before } = await find(actor, typed);
      const renewed = await renews(actor, before, decision);
      const approvedOn = actor.kind === 'user' ? actor.nodeId : undefined;
      const record = { ...before, ...decision, approvedBy: authority.userId ?? '', approvedOn };
      const detail = { name: before.name, source: before.source, tags: decision.tags?.join(' ') ?? '' };
      const event = audit.put({
        actor,
        action: `approvals.${decision.state}`,
        subject: `machine:${before.machineKey}`,
        detail,
      });
      return {
        record,
        compare: [...authority.compare, { key, revision }, ...renewed.compare],
        put: [{ key, value: encodeRecord(record) }, event, ...renewed.put],
      };
    });
    return infoOf(record);
  }

  return {
    async request({ machineKey, nodeKey, name, source, renews }) {
      const pending = await collect();
      const ofSource = pending.filter((record) => record.source === source);
      if (pending.length >= MAX_PENDING || ofSource.length >= MAX_OF_SOURCE) {
        const message = 'too many machines wait for approval; try again in some minutes';
        throw new CoordinatorError('RATE_LIMITED', message, { retryAfterMs: 60_000 });
      }
      const { code } = await decideAndCommit(store, async () => {
        const code = newCode(random);
        const times = { createdAtMs: now(), expiresAtMs: now() + APPROVAL_EXPIRY_MS };
        const value = encodeRecord({ name, source, machineKey, nodeKey, ...times, renews, state: 'pending' });
        return { code, compare: [{ key: keyOf(code), revision: 0 }], put: [{ key: keyOf(code), value }] };
      });
      return { code, expiresInMs: APPROVAL_EXPIRY_MS };
    },

    async look(actor, typed) {
      await readAuthority(actor, store);
      return infoOf((await find(actor, typed)).record);
    },

    approve: async (actor, typed, { tags = [] } = {}) =>
      decide(actor, typed, { state: 'approved', tags: normalizeTags(tags) }),

    deny: (actor, typed) => decide(actor, typed, { state: 'denied' }),

    async wait(code, signal) {
      const { entries, revision } = await store.list(keyOf(code));
      const record = entries[0] && readRecord(approvalRecord, entries[0]);
      if (record?.state !== 'pending') return;
      const end = new AbortController();
      const cancelTimer = setTimer(() => end.abort(), Math.max(0, record.expiresAtMs - now()));
      try {
        const either = AbortSignal.any([signal, end.signal]);
        for await (const _ of store.watch(revision, { prefix: keyOf(code), signal: either })) return;
      } finally {
        cancelTimer();
      }
    },

    async admit(code, { machineKey, nodeKey }) {
      const found = await read(code);
      const isTheirs = found?.record.machineKey === machineKey && found.record.nodeKey === nodeKey;
      if (!found || !isTheirs || now() >= found.record.expiresAtMs) return { refusal: 'APPROVAL_EXPIRED' };
      const { key, revision, record } = found;
      if (record.state === 'denied') return { refusal: 'APPROVAL_DENIED' };
      if (record.state === 'pending') return 'pending';
      const compare = [{ key, revision }];
      const approver = record.approvedBy ?? '';
      const tags = record.tags ?? [];
      if (approver !== '') {
        const entry = await store.get(userPaths.user(approver));
        const user = entry && readRecord(userRecord, entry);
        if (!entry || !user || user.disabled) return { refusal: 'USER_DISABLED' };
        if (tags.length > 0 && !isAtLeast(user.role, 'admin')) return { refusal: 'APPROVAL_DENIED' };
        compare.push({ key: entry.key, revision: entry.revision });
      }
      const userId = tags.length > 0 ? '' : approver;
      return { userId, addedOn: record.approvedOn, tags, ephemeral: false, compare, put: [{ key, value: undefined }] };
    },

    async cancel(code) {
      await store.commit({ compare: [], put: [{ key: keyOf(code), value: undefined }] });
    },
  };
}

function infoOf({ name, source, machineKey, createdAtMs, expiresAtMs, renews }: ApprovalRecord): ApprovalInfo {
  return { name, source, machineKey, createdAtMs, expiresAtMs, ...(renews !== undefined && { renews }) };
}
