/** Join tokens as the store keeps them, under `tokens/<hash>`. */
import * as v from 'valibot';

/** A join token as people see it; nothing of its secret. */
export interface TokenInfo {
  readonly id: string;
  /** Who owns the nodes that join by it; empty for nodes owned by tags, and for root's own. */
  readonly userId: string;
  readonly tags: readonly string[];
  readonly reusable: boolean;
  readonly ephemeral: boolean;
  /** Its node becomes a server. */
  readonly isServer?: boolean | undefined;
  /** The place in the prefixes that its node gets; the first free one otherwise. */
  readonly index?: number | undefined;
  /** Empty for root. */
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export interface TokenRecord extends TokenInfo {
  /** The node it was made on. */
  readonly nodeId?: string | undefined;
  readonly usedAtMs?: number | undefined;
}

export const tokenRecord: v.GenericSchema<unknown, TokenRecord> = v.object({
  id: v.string(),
  userId: v.string(),
  tags: v.array(v.string()),
  reusable: v.boolean(),
  ephemeral: v.boolean(),
  isServer: v.optional(v.boolean()),
  index: v.optional(v.number()),
  createdBy: v.string(),
  createdAtMs: v.number(),
  expiresAtMs: v.number(),
  nodeId: v.optional(v.string()),
  usedAtMs: v.optional(v.number()),
});

/** What people may see of it. */
export function infoOf({ nodeId: _, usedAtMs: __, ...info }: TokenRecord): TokenInfo {
  return info;
}
