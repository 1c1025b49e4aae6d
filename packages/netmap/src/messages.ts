/**
 * What node and server say to each other inside the node channel: JSON, one object a message. The node sends
 * `hello`; the server answers `challenge`; the node proves its node key with `join`; the server answers
 * `welcome`, `pending` (somebody has to approve) or `refused`, then sends the map.
 */
import type { MapDelta, MapNetwork, MapNode, Presence } from './map.ts';

import type { FilterRule } from './policy/filter-rule.ts';
import type { Revocation } from './revocation.ts';

/** Versions of this protocol that are spoken here. The hello negotiates the highest that both sides have. */
export const PROTOCOL_VERSIONS = { least: 1, most: 2 } as const;
/** From this one on nodes keep the list of what was revoked, and are told of their key. */
export const REVOCATIONS_VERSION = 2;

export type NodeMessage =
  | {
      readonly kind: 'hello';
      readonly versions: { readonly least: number; readonly most: number };
      /** For people: `pcloud 0.1.0 linux x64`. */
      readonly program: string;
      /** Number of the newest server set seen; 0 for none. */
      readonly serverSet: number;
    }
  | {
      readonly kind: 'join';
      /** WireGuard public key, base64. */
      readonly nodeKey: string;
      /** `proveNodeKey`, base64. */
      readonly proof: string;
      /** Only for a machine that is no member yet. */
      readonly token?: string;
      /** Wished for; used for a machine that is no member yet. */
      readonly name: string;
      readonly endpoints: readonly string[];
      /** What the node has on disk, for resuming. */
      readonly map?: { readonly epoch: number; readonly revision: number; readonly hash: string };
    }
  | { readonly kind: 'endpoints'; readonly endpoints: readonly string[] }
  /** A delta did not fit: the whole map, please. */
  | { readonly kind: 'resync' }
  /** What `revocations` of this id told is in force and on disk. `hash` is that of all that the node has. */
  | { readonly kind: 'revoked'; readonly id: number; readonly hash: string }
  /** An operation in the name of the node's user. */
  | { readonly kind: 'request'; readonly id: number; readonly operation: string; readonly input: unknown }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'pong'; readonly id: number };

export type ServerMessage =
  | {
      readonly kind: 'challenge';
      readonly version: number;
      /** Fresh X25519 public key, base64. */
      readonly key: string;
      /** Signed, see `openServerSet`; base64. Left out when the node has it already. */
      readonly serverSet?: string;
      readonly wallMs: number;
    }
  | { readonly kind: 'welcome'; readonly nodeId: string; readonly program: string }
  /** The node shows both; a signed-in user types the code at the address. The channel stays open. */
  | { readonly kind: 'pending'; readonly code: string; readonly url: string; readonly expiresInMs: number }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string }
  | {
      readonly kind: 'map';
      readonly epoch: number;
      readonly revision: number;
      readonly network: MapNetwork;
      readonly self: MapNode;
      readonly nodes: readonly MapNode[];
      readonly filter?: readonly FilterRule[];
      readonly hash: string;
    }
  | ({ readonly kind: 'delta' } & MapDelta)
  | { readonly kind: 'presence'; readonly nodes: readonly Presence[] }
  /** More of what was revoked; of none, when only the node's hash is asked for. Answered by `revoked`. */
  | { readonly kind: 'revocations'; readonly id: number; readonly nodes: readonly Revocation[] }
  /** How long the node's key holds, and when it is to replace it by itself, from now; left out for never. */
  | { readonly kind: 'key'; readonly isExpired: boolean; readonly expiresInMs?: number; readonly rotatesInMs?: number }
  | { readonly kind: 'response'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly code: string; readonly message: string }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'pong'; readonly id: number };

/** Why a server does not let a node in. `TRY_LATER` alone is worth repeating by itself. */
export type RefusalCode =
  | 'VERSION_UNSUPPORTED'
  | 'TOKEN_UNKNOWN'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_USED'
  | 'KEY_PROOF_INVALID'
  | 'KEY_IN_USE'
  | 'NODE_REMOVED'
  | 'USER_DISABLED'
  | 'APPROVAL_DENIED'
  | 'APPROVAL_EXPIRED'
  | 'ADDRESS_IN_USE'
  | 'ADDRESSES_EXHAUSTED'
  /** As many nodes as one map may have. */
  | 'NETWORK_FULL'
  /** What the node is to be told is larger than a message may be. */
  | 'MESSAGE_TOO_LARGE'
  | 'MALFORMED'
  | 'REPLACED'
  | 'TRY_LATER';
