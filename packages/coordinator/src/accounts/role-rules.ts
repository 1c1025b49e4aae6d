/** Who may do what to whom. */
import { CoordinatorError } from '../errors.ts';
import type { Role } from '../operations/operation.ts';

const RANKS: Readonly<Record<Role, number>> = { member: 0, admin: 1, owner: 2 };

/** Whether `role` may all that `least` may. */
export function isAtLeast(role: Role, least: Role): boolean {
  return RANKS[role] >= RANKS[least];
}

/** Whether an admin or more acts on somebody no higher than itself. */
export function mayManage(actor: Role, subject: Role): boolean {
  return isAtLeast(actor, 'admin') && isAtLeast(actor, subject);
}

/** @throws CoordinatorError FORBIDDEN unless an admin or more acts on somebody no higher than itself */
export function checkMayManage(actor: Role, subject: Role): void {
  if (!isAtLeast(actor, 'admin')) throw new CoordinatorError('FORBIDDEN', 'only an admin or an owner may do this');
  if (!isAtLeast(actor, subject)) throw new CoordinatorError('FORBIDDEN', `an ${actor} may not act on an ${subject}`);
}

/** @throws CoordinatorError FORBIDDEN unless an admin or more gives a role no higher than its own */
export function checkMayGrant(actor: Role, role: Role): void {
  if (!isAtLeast(actor, 'admin')) throw new CoordinatorError('FORBIDDEN', 'only an admin or an owner may do this');
  if (!isAtLeast(actor, role)) throw new CoordinatorError('FORBIDDEN', `an ${actor} may not make an ${role}`);
}
