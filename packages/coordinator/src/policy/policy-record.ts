/** The policy as the store keeps it, under `policy`; there is none until somebody sets one. */
import * as v from 'valibot';
import { textKey } from '../store/index.ts';

export interface PolicyRecord {
  readonly text: string;
  readonly atMs: number;
}

export const policyRecord: v.GenericSchema<unknown, PolicyRecord> = v.object({ text: v.string(), atMs: v.number() });

export const policyPath: Uint8Array = textKey('policy');
