/**
 * Outer datagrams of ours that the routes of this machine lead back into the tunnel: sealed again and again,
 * one such datagram keeps the machine busy for ever. The kernel's driver sees the route; here it is the
 * message that tells, since its index is a session's or a handshake's of ours.
 */
import {
  addressLengthOf,
  destinationAt,
  ENDPOINT,
  endpointAddressBytes,
  findTransport,
  PROTOCOL,
  readUint16,
  transportOffset,
  transportProtocol,
} from '@pcloud/ip';
import { equalBytes } from './bytes.ts';
import type { DeviceContext } from './context.ts';
import { MESSAGE_TYPE, readWord } from './messages.ts';
import type { PeerState } from './peer.ts';

const UDP_HEADER_BYTES = 8;
/** The type and the first index of a message. */
const MESSAGE_START_BYTES = 8;

/**
 * The peer for which the device has made the datagram that the IP packet of `length` bytes at `at` is, if it
 * is one: of other tunnels, on this machine or behind it, no message has both an index and an endpoint of ours.
 */
export function findLooped(context: DeviceContext, at: number, length: number): PeerState | undefined {
  const { bytes, endpoints } = context.batch;
  const found = findTransport(bytes, at, length);
  if (found < 0 || transportProtocol(found) !== PROTOCOL.UDP) return undefined;
  const start = transportOffset(found);
  if (start + UDP_HEADER_BYTES + MESSAGE_START_BYTES > length) return undefined;
  const peer = findSender(context, at + start + UDP_HEADER_BYTES);
  if (peer === undefined) return undefined;
  const port = endpoints[peer.endpointSlot * ENDPOINT.WORDS + ENDPOINT.PORT];
  if (port !== readUint16(bytes, at + start + 2)) return undefined;
  const destination = destinationAt(bytes, at);
  const address = bytes.subarray(destination, destination + addressLengthOf(bytes, at));
  return equalBytes(address, endpointAddressBytes(endpoints, peer.endpointSlot)) ? peer : undefined;
}

// The kernel coalesces what is of one socket for one address, so the first message speaks for a super-packet.
function findSender({ batch, indices, remoteIndices }: DeviceContext, at: number): PeerState | undefined {
  const index = readWord(batch.bytes, at + 4);
  switch (readWord(batch.bytes, at)) {
    case MESSAGE_TYPE.TRANSPORT:
      return remoteIndices.get(index)?.peer;
    case MESSAGE_TYPE.INITIATION:
    case MESSAGE_TYPE.RESPONSE:
      return indices.get(index)?.peer;
    default:
      return undefined;
  }
}
