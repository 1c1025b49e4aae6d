/** A node as the store keeps it, under `nodes/<id>`. */
import * as v from 'valibot';
import { below, textKey } from '../store/index.ts';

export interface NodeRecord {
  readonly id: string;
  readonly name: string;
  /** Empty for a node that is owned by its tags. */
  readonly userId: string;
  readonly tags: readonly string[];
  readonly role: 'server' | 'client';
  /** Public keys, base64. */
  readonly machineKey: string;
  readonly nodeKey: string;
  /** Its place in both prefixes, for life. */
  readonly index: number;
  /** Goes away by itself when it was not connected for a while. */
  readonly ephemeral: boolean;
  readonly createdAtMs: number;
  /** When its key was renewed last; left out, when it was made. */
  readonly renewedAtMs?: number | undefined;
  /** When its key expires, where that is not as the network says. Wall clock, milliseconds. */
  readonly expiry?: number | 'never' | undefined;
  /** It has: a server decided that by its clock. */
  readonly expired?: boolean | undefined;
  /** Since when it has its node key; left out, since it was made. */
  readonly keySinceMs?: number | undefined;
  /** The id of the node on which the link was made, or the code typed, that let it in. */
  readonly addedOn?: string | undefined;
}

export const nodeRecord: v.GenericSchema<unknown, NodeRecord> = v.object({
  id: v.string(),
  name: v.string(),
  userId: v.string(),
  tags: v.array(v.string()),
  role: v.picklist(['server', 'client']),
  machineKey: v.string(),
  nodeKey: v.string(),
  index: v.pipe(v.number(), v.integer(), v.minValue(1)),
  ephemeral: v.boolean(),
  createdAtMs: v.number(),
  renewedAtMs: v.optional(v.number()),
  expiry: v.optional(v.union([v.number(), v.literal('never')])),
  expired: v.optional(v.boolean()),
  keySinceMs: v.optional(v.number()),
  addedOn: v.optional(v.string()),
});

/** Who has an address, under `addresses/<index>`: a node, or, since `freedAtMs`, nobody. */
export interface AddressRecord {
  readonly nodeId: string;
  readonly freedAtMs?: number | undefined;
}

export const addressRecord: v.GenericSchema<unknown, AddressRecord> = v.object({
  nodeId: v.string(),
  freedAtMs: v.optional(v.number()),
});

/** Names another record by its id: under `machines/`, `nodekeys/` and `names/`. */
export interface PointerRecord {
  readonly nodeId: string;
}

export const pointerRecord: v.GenericSchema<unknown, PointerRecord> = v.object({ nodeId: v.string() });

/** A machine that was removed, under `revocations/<machine key>`; the list only grows. */
export interface RevocationRecord {
  readonly nodeId: string;
  readonly nodeKey: string;
  readonly atMs: number;
}

export const revocationRecord: v.GenericSchema<unknown, RevocationRecord> = v.object({
  nodeId: v.string(),
  nodeKey: v.string(),
  atMs: v.number(),
});

interface NodePaths {
  nodes(): Uint8Array;
  node(id: string): Uint8Array;
  machine(machineKey: string): Uint8Array;
  nodeKey(nodeKey: string): Uint8Array;
  name(name: string): Uint8Array;
  addresses(): Uint8Array;
  address(index: number): Uint8Array;
  revocations(): Uint8Array;
  revocation(machineKey: string): Uint8Array;
}

/** Where records of nodes are in the store. Public keys are base64, whose slashes a path cannot hold. */
export const nodePaths: NodePaths = {
  nodes: () => below('nodes'),
  node: (id) => textKey('nodes', id),
  machine: (machineKey) => textKey('machines', pathPart(machineKey)),
  nodeKey: (nodeKey) => textKey('nodekeys', pathPart(nodeKey)),
  name: (name) => textKey('names', name),
  addresses: () => below('addresses'),
  address: (index) => textKey('addresses', String(index).padStart(10, '0')),
  revocations: () => below('revocations'),
  revocation: (machineKey) => textKey('revocations', pathPart(machineKey)),
};

function pathPart(base64: string): string {
  return base64.replaceAll('/', '_').replaceAll('+', '-');
}
