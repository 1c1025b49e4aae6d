/** The network as the store keeps it, under `network`. */
import * as v from 'valibot';
import { textKey } from '../store/index.ts';

export interface NetworkRecord {
  /** As text. */
  readonly id: string;
  readonly epoch: number;
  readonly prefix4: string;
  /** Signed, base64. */
  readonly serverSet: string;
}

export const networkRecord: v.GenericSchema<unknown, NetworkRecord> = v.object({
  id: v.string(),
  epoch: v.number(),
  prefix4: v.string(),
  serverSet: v.string(),
});

export const networkPath: Uint8Array = textKey('network');
