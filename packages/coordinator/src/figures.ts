/** What a coordinator has to tell of itself to who watches it: numbers and states, and nobody's name. */
import { X509Certificate } from 'node:crypto';
import type { Core } from './core.ts';
import type { HttpService } from './http/index.ts';
import { networkPath } from './network/network-record.ts';
import { describeStoreFault, type MeasuredStore, type StoreFigures } from './store/index.ts';

export interface CoordinatorFigures {
  readonly nodes: number;
  readonly connected: number;
  /** Machines that became nodes since the start. */
  readonly joins: number;
  /** What became of connections, by counter. */
  readonly channels: Readonly<Record<string, number>>;
  /** By `part.CODE`. */
  readonly refused: Readonly<Record<string, number>>;
  /** Messages to nodes, by kind. */
  readonly sent: Readonly<Record<string, { readonly messages: number; readonly bytes: number }>>;
  /** By name, then by `OK` or the code of the refusal. */
  readonly operations: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly auditEntries: number;
  readonly store: StoreFigures;
}

export interface CoordinatorHealth {
  /** Undefined: it answers, and took the last commit. Else what is wrong with it. */
  readonly storeFault: string | undefined;
  readonly certificate: {
    /** Whether browsers trust it, as far as that can be known here. */
    readonly isTrusted: boolean;
    /** Wall clock, milliseconds. */
    readonly untilMs: number;
  };
}

export const AUDIT_PREFIX = 'audit/';

export function figuresOf(core: Core, store: MeasuredStore): CoordinatorFigures {
  const figures = store.figures();
  return {
    nodes: core.registry.nodes.size,
    connected: core.control.connected.size,
    joins: core.joins(),
    channels: core.control.counters,
    refused: core.refusals.counters(),
    sent: core.control.sent,
    operations: core.operations.counters(),
    auditEntries: figures.puts[AUDIT_PREFIX] ?? 0,
    store: figures,
  };
}

export async function healthOf(store: MeasuredStore, service: HttpService): Promise<CoordinatorHealth> {
  const { chain, isTrusted } = service.certificate;
  return {
    storeFault: await store
      .get(networkPath)
      .then(() => (store.fault === undefined ? undefined : describeStoreFault(store.fault)), describeStoreFault),
    certificate: { isTrusted, untilMs: Date.parse(new X509Certificate(chain).validTo) },
  };
}
