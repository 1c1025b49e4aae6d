import { formatAddress, parseAddress } from '@pcloud/ip';
import type { MapNode, NetworkMap } from '@pcloud/netmap';
import { DaemonError } from '../../errors.ts';

/**
 * The node of a name, a name with the network's domain, or an address; this one among them.
 * @throws DaemonError NOT_A_MEMBER, UNKNOWN_NODE
 */
export function findNode(map: NetworkMap | undefined, text: string): MapNode {
  if (map === undefined) {
    throw new DaemonError('NOT_A_MEMBER', 'there is no network here yet; run "pcloud up LINK" with a join link');
  }
  const address = parseAddress(text);
  const suffix = `.${map.network.domain}`;
  const name = text.toLowerCase().replace(/\.$/, '');
  const label = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  const isMeant = (node: MapNode): boolean =>
    address === undefined ? node.name === label : node.addresses.includes(formatAddress(address));
  const found = [map.self, ...map.nodes.values()].find(isMeant);
  if (found !== undefined) return found;
  throw new DaemonError('UNKNOWN_NODE', `no node of the network is "${text}"; "pcloud status" lists those there are`);
}
