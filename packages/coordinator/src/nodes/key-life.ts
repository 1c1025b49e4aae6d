/** How long a node key holds. The clock of the server decides, and no device's. */
import type { NetworkSettings } from '../network/settings.ts';
import type { NodeRecord } from './node-record.ts';

/** Whether a node's key can expire: that of a server or of a node with tags never does, for nobody sits before it. */
export function canExpire({ role, tags }: Pick<NodeRecord, 'role' | 'tags'>): boolean {
  return role === 'client' && tags.length === 0;
}

/** When a node's key expires, wall clock milliseconds; undefined for never. */
export function expiryOf(node: NodeRecord, { keyLifeMs, keyLifeSetAtMs = 0 }: NetworkSettings): number | undefined {
  if (!canExpire(node) || node.expiry === 'never') return undefined;
  if (node.expiry !== undefined) return node.expiry;
  if (keyLifeMs === undefined) return undefined;
  return Math.max(node.renewedAtMs ?? node.createdAtMs, keyLifeSetAtMs) + keyLifeMs;
}

/** When a node is to replace its key by itself, wall clock milliseconds; undefined for never. */
export function rotationOf(node: NodeRecord, { keyRotationMs }: NetworkSettings): number | undefined {
  return keyRotationMs === undefined ? undefined : (node.keySinceMs ?? node.createdAtMs) + keyRotationMs;
}

/** What a node is told of its key, in times of the server's clock. */
export interface KeyState {
  readonly isExpired: boolean;
  readonly expiresAtMs: number | undefined;
  readonly rotatesAtMs: number | undefined;
}

export function keyStateOf(node: NodeRecord, settings: NetworkSettings): KeyState {
  return {
    isExpired: node.expired === true,
    expiresAtMs: expiryOf(node, settings),
    rotatesAtMs: rotationOf(node, settings),
  };
}
