/** Machines that wait for somebody's word, as the store keeps them: under `approvals/<hash of the code>`. */
import * as v from 'valibot';

/** What the approver is shown. */
export interface ApprovalInfo {
  /** The name the machine wishes for. */
  readonly name: string;
  /** The address it asks from. */
  readonly source: string;
  /** Public, base64. */
  readonly machineKey: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** The id of the node that it is, where its key is to be renewed: nobody new comes in. */
  readonly renews?: string | undefined;
}

export interface ApprovalRecord extends ApprovalInfo {
  readonly nodeKey: string;
  readonly state: 'pending' | 'approved' | 'denied';
  /** Who approved, and owns the node unless there are tags. */
  readonly approvedBy?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** The node on which it was approved. */
  readonly approvedOn?: string | undefined;
}

export const approvalRecord: v.GenericSchema<unknown, ApprovalRecord> = v.object({
  name: v.string(),
  source: v.string(),
  machineKey: v.string(),
  nodeKey: v.string(),
  createdAtMs: v.number(),
  expiresAtMs: v.number(),
  renews: v.optional(v.string()),
  state: v.picklist(['pending', 'approved', 'denied']),
  approvedBy: v.optional(v.string()),
  tags: v.optional(v.array(v.string())),
  approvedOn: v.optional(v.string()),
});
