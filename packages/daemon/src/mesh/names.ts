import type { NetworkMap } from '@pcloud/netmap';

/** Whoever answers for the names of the network's nodes. */
export interface MeshNames {
  /** What a process left of it that was killed is put back. */
  recover(): void;
  /** The map is another one, and the interface has its addresses. */
  apply(map: NetworkMap): void;
  /** The interface is about to go away, or the process to end: the machine's resolver is put back. */
  stop(): void;
}

/** Nobody. */
export const noNames: MeshNames = { recover() {}, apply() {}, stop() {} };
