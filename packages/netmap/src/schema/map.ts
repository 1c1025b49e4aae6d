import * as v from 'valibot';
import type { MapNetwork, MapNode, Presence } from '../map.ts';
import type { Revocation } from '../revocation.ts';
import { LIMITS } from './limits.ts';
import {
  addressSchema,
  domainSchema,
  endpointSchema,
  idSchema,
  keySchema,
  listSchema,
  networkIdSchema,
  nodeNameSchema,
  plainTextSchema,
  prefixSchema,
  urlSchema,
} from './parts.ts';

export const endpointsSchema: v.GenericSchema<unknown, string[]> = listSchema(endpointSchema, LIMITS.ENDPOINTS);

export const networkSchema: v.GenericSchema<unknown, MapNetwork> = v.strictObject({
  id: networkIdSchema,
  prefixes: listSchema(prefixSchema, LIMITS.ADDRESSES),
  domain: domainSchema,
  relays: listSchema(urlSchema, LIMITS.RELAYS),
});

export const nodeSchema: v.GenericSchema<unknown, MapNode> = v.strictObject({
  id: idSchema,
  name: nodeNameSchema,
  user: plainTextSchema(LIMITS.NAME),
  tags: listSchema(idSchema, LIMITS.TAGS),
  role: v.picklist(['server', 'client']),
  nodeKey: keySchema,
  addresses: listSchema(addressSchema, LIMITS.ADDRESSES),
});
export const nodesSchema: v.GenericSchema<unknown, MapNode[]> = listSchema(nodeSchema, LIMITS.NODES);

export const revocationsSchema: v.GenericSchema<unknown, Revocation[]> = listSchema(
  v.strictObject({ nodeId: idSchema, nodeKey: keySchema }),
  LIMITS.REVOCATIONS,
);

export const presenceSchema: v.GenericSchema<unknown, Presence> = v.strictObject({
  id: idSchema,
  online: v.boolean(),
  endpoints: endpointsSchema,
});
