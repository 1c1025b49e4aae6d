import * as v from 'valibot';
import type { Audit, AuditRecord } from '../audit.ts';
import type { Registry } from '../nodes/registry.ts';
import { define } from './define.ts';
import { text } from './inputs.ts';
import type { Operation } from './operation.ts';

export interface AuditOperationsDeps {
  readonly audit: Audit;
  readonly registry: Registry;
}

/** An entry as people read it. */
export interface AuditFace extends AuditRecord {
  /** The actor by the names of now, where they are known: `ada on laptop`. */
  readonly who: string;
}

export function auditOperations({ audit, registry }: AuditOperationsDeps): Operation[] {
  function faceOf(record: AuditRecord): AuditFace {
    const [user = '', node] = record.actor.split(' ');
    const userName = registry.userName(user.replace(/^user:/, '')) || user;
    const nodeName = node && (registry.nodes.get(node.replace(/^node:/, ''))?.name ?? node);
    return { ...record, who: nodeName === undefined ? userName : `${userName} on ${nodeName}` };
  }

  return [
    define({
      name: 'audit.list',
      least: 'admin',
      changes: false,
      input: v.strictObject({
        limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)), 100),
        before: v.optional(text),
        sinceMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
      }),
      run: async (_actor, { limit, ...options }) => (await audit.list(limit, options)).map(faceOf),
    }),
  ];
}
