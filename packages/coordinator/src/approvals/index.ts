/** Machines without a token, let in by the word of somebody who is signed in. */
export type { ApprovalInfo } from './approval-record.ts';
export { type ApprovalRefusal, type ApprovalRequest, type Approvals, createApprovals } from './approvals.ts';
export { parseCode } from './code.ts';
