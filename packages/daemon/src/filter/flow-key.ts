import { readUint32 } from '@pcloud/ip';
import { KIND, type PacketView } from './packet-view.ts';

/** Words of what names a flow. Local and remote, so that both directions have one name. */
export const FLOW_KEY = {
  WORDS: 11,
  /** Number of the node. */
  NODE: 0,
  /** The protocol, and bit 8 for IPv6. */
  PROTOCOL: 1,
  /** Local and remote port; of an echo, its identifier on the side of who asks. */
  PORTS: 2,
  /** Addresses, four words each; of IPv4 the first. */
  LOCAL: 3,
  REMOTE: 7,
} as const;

/** Names the flow of a packet. `fromRemote` says which end of it is the node. */
export function writeFlowKey(
  key: Int32Array,
  node: number,
  bytes: Uint8Array,
  view: PacketView,
  fromRemote: boolean,
): void {
  const { isV6, kind } = view;
  let localPort = fromRemote ? view.destinationPort : view.sourcePort;
  let remotePort = fromRemote ? view.sourcePort : view.destinationPort;
  if (kind === KIND.ECHO_REQUEST || kind === KIND.ECHO_REPLY) {
    const asksRemote = (kind === KIND.ECHO_REQUEST) === fromRemote;
    if (asksRemote) localPort = 0;
    else remotePort = 0;
  }
  key[FLOW_KEY.NODE] = node;
  key[FLOW_KEY.PROTOCOL] = view.protocol | (isV6 ? 0x100 : 0);
  key[FLOW_KEY.PORTS] = (localPort << 16) | remotePort;
  const local = fromRemote ? view.destination : view.source;
  const remote = fromRemote ? view.source : view.destination;
  const words = isV6 ? 4 : 1;
  for (let i = 0; i < 4; i++) {
    key[FLOW_KEY.LOCAL + i] = i < words ? readUint32(bytes, local + 4 * i) : 0;
    key[FLOW_KEY.REMOTE + i] = i < words ? readUint32(bytes, remote + 4 * i) : 0;
  }
}
