import type { GenericSchema, InferOutput } from 'valibot';

/**
 * Who asks. `root`: somebody with root on the seed node, through the Unix socket. A user's session came over
 * HTTP; a user's node over its channel, in the name of the user who owns it.
 */
export type Actor =
  | { readonly kind: 'root'; readonly source?: string }
  | {
      readonly kind: 'user';
      readonly userId: string;
      readonly role: Role;
      readonly via: 'session' | 'node';
      readonly nodeId?: string;
      /** The address that this request came from. */
      readonly source?: string;
    };

/** Ordered: an owner may all that an admin may. Tagged nodes have no user and may nothing. */
export type Role = 'owner' | 'admin' | 'member';

/** One thing that can be asked of the coordinator, the same over HTTP, the Unix socket and the node channel. */
export interface Operation<I extends GenericSchema = GenericSchema> {
  /** `nodes.rename`: the path under /api/v1/ and the name in the channel. */
  readonly name: string;
  /** The least role that may ask; what a member may see of others is the operation's own affair. */
  readonly least: Role;
  /** Whether it changes something: refused while the store is read-only, written to the audit log. */
  readonly changes: boolean;
  readonly input: I;
  /** @throws CoordinatorError */
  run(actor: Actor, input: InferOutput<I>): Promise<unknown>;
}
