/** All operations, and who may ask for them. */
import * as v from 'valibot';
import { isAtLeast, readAuthority } from '../accounts/index.ts';
import { CoordinatorError } from '../errors.ts';
import type { Store } from '../store/index.ts';
import { type AuditOperationsDeps, auditOperations } from './audit.ts';
import { type BackupOperationsDeps, backupOperations } from './backup.ts';
import { type NodeOperationsDeps, nodeOperations } from './nodes.ts';
import type { Actor, Operation } from './operation.ts';
import { type PolicyOperationsDeps, policyOperations } from './policy.ts';
import { type TokenOperationsDeps, tokenOperations } from './tokens.ts';
import { type UserOperationsDeps, userOperations } from './users.ts';

export interface Operations {
  /** @throws CoordinatorError OPERATION_UNKNOWN, FORBIDDEN, INPUT_INVALID, and what the operation itself throws */
  run(actor: Actor, name: string, input: unknown): Promise<unknown>;
  /** How often each was asked for since the start, by `OK` or the code of the refusal. */
  counters(): Readonly<Record<string, Readonly<Record<string, number>>>>;
  names(): readonly Pick<Operation, 'name' | 'least' | 'changes'>[];
}

export type OperationsDeps = UserOperationsDeps &
  TokenOperationsDeps &
  NodeOperationsDeps &
  PolicyOperationsDeps &
  AuditOperationsDeps &
  BackupOperationsDeps & { readonly store: Store };

export function createOperations(deps: OperationsDeps): Operations {
  const all = [
    userOperations,
    tokenOperations,
    nodeOperations,
    policyOperations,
    auditOperations,
    backupOperations,
  ].flatMap((operations) => operations(deps));
  const table = new Map(all.map((operation) => [operation.name, operation]));

  const counts = new Map<string, Map<string, number>>();

  function count(name: string, code: string): void {
    const ofName = counts.get(name) ?? new Map<string, number>();
    counts.set(name, ofName.set(code, (ofName.get(code) ?? 0) + 1));
  }

  async function run(actor: Actor, name: string, input: unknown): Promise<unknown> {
    const operation = table.get(name);
    if (operation === undefined) throw new CoordinatorError('OPERATION_UNKNOWN', `there is no operation "${name}"`);
    const { role } = await readAuthority(actor, deps.store);
    if (!isAtLeast(role, operation.least)) {
      throw new CoordinatorError('FORBIDDEN', `${name}: only an ${operation.least} may do this`);
    }
    const parsed = v.safeParse(operation.input, input ?? {});
    if (!parsed.success) {
      const [issue] = parsed.issues;
      throw new CoordinatorError('INPUT_INVALID', `${v.getDotPath(issue) ?? 'input'}: ${issue.message}`);
    }
    return operation.run(actor, parsed.output);
  }

  return {
    async run(actor, name, input) {
      // Whatever somebody makes up is one name, so that nobody can make them many.
      const known = table.has(name) ? name : 'unknown';
      try {
        const result = await run(actor, name, input);
        count(known, 'OK');
        return result;
      } catch (error) {
        count(known, error instanceof CoordinatorError ? error.code : 'FAILED');
        throw error;
      }
    },
    counters: () => Object.fromEntries([...counts].map(([name, ofName]) => [name, Object.fromEntries(ofName)])),
    names: () => all.map(({ name, least, changes }) => ({ name, least, changes })),
  };
}
