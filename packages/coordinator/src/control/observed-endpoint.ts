import { createEndpoint, formatEndpoint, parseAddress, parseEndpoint } from '@pcloud/ip';

/** Endpoints that one node may announce. */
const MAX_ENDPOINTS = 32;

/**
 * A node's endpoints and, last, where it is seen from here under the port it announces: many routers keep the
 * port, and a node with a public address needs no more.
 */
export function withObserved(endpoints: readonly string[], source: string): readonly string[] {
  const own = endpoints.slice(0, MAX_ENDPOINTS);
  const address = parseAddress(source);
  const [first] = own;
  const port = first === undefined ? undefined : portOf(first);
  if (address === undefined || port === undefined || isLoopback(address)) return own;
  const observed = formatEndpoint(createEndpoint(address, port));
  return own.includes(observed) || own.length === MAX_ENDPOINTS ? own : [...own, observed];
}

function portOf(endpoint: string): number | undefined {
  if (parseEndpoint(endpoint) === undefined) return undefined;
  return Number(endpoint.slice(endpoint.lastIndexOf(':') + 1));
}

function isLoopback(address: Uint8Array): boolean {
  if (address.length === 4) return address[0] === 127;
  return address.every((byte, index) => byte === (index === 15 ? 1 : 0));
}
