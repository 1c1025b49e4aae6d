import { parseAddress, prefixContains } from '@pcloud/ip';
import { type Bearer, nodeBearer } from './match.ts';
import { type BehindNode, ownAddresses, type PolicyNode, routesOf } from './node.ts';

/** One end of a flow as the rules see it. */
export interface FlowEnd {
  /** Undefined for an address behind a router that nobody named. */
  readonly bearer: Bearer | undefined;
  /** Undefined: one of the node's own addresses. */
  readonly behind:
    | {
        readonly address: Uint8Array;
        /** Whether a subnet route leads there, and whether an exit node's does. */
        readonly isSubnet: boolean;
        readonly isExit: boolean;
      }
    | undefined;
}

/** Undefined for a text that is no address. A bare address is taken for one that routes of both kinds lead to. */
export function flowEnd(end: PolicyNode | BehindNode | string): FlowEnd | undefined {
  if (typeof end === 'string') {
    const address = parseAddress(end);
    return address && { bearer: undefined, behind: { address, isSubnet: true, isExit: true } };
  }
  if (!('via' in end)) return { bearer: nodeBearer(end), behind: undefined };
  const address = parseAddress(end.address);
  if (address === undefined) return undefined;
  if (ownAddresses(end.via).some((own) => own.join() === address.join()))
    return { bearer: nodeBearer(end.via), behind: undefined };
  const routes = routesOf(end.via).filter((route) => prefixContains(route, address));
  const isExit = routes.some((route) => route.length === 0);
  return {
    bearer: nodeBearer(end.via),
    behind: { address, isSubnet: routes.some((route) => route.length > 0), isExit },
  };
}
