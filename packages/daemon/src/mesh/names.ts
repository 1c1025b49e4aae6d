import type { NetworkMap } from '@pcloud/netmap';

/** `off`: what this machine asks, and where, is left as it is. */
export type DnsMode = 'auto' | 'off';

export interface NamesStatus {
  readonly dns: DnsMode;
  /** Where questions are answered, on port 53. */
  readonly addresses: readonly string[];
  /** What became of questions since the process started. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Whoever answers for the names of the network's nodes. */
export interface MeshNames {
  /** What a process left of it that was killed is put back. */
  recover(): void;
  /** The map is another one, and the interface has its addresses. */
  apply(map: NetworkMap): void;
  /** The interface is about to go away, or the process to end: the machine's resolver is put back. */
  stop(): void;
  status(): NamesStatus;
}

/** Nobody. */
export const noNames: MeshNames = {
  recover() {},
  apply() {},
  stop() {},
  status: () => ({ dns: 'off', addresses: [], counters: {} }),
};
