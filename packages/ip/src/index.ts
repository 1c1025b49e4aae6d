/**
 * Addresses, prefixes, packet headers and checksums. Pure.
 * @module
 */
export { formatAddress, isIpv4Mapped, isLinkLocal, parseAddress } from './address.ts';
export { addBytes, foldSum, internetChecksum, pseudoHeaderSum, updateChecksum } from './checksum.ts';
export { type Coalescer, createCoalescer, type PacketList, RUN, writeRun } from './coalesce.ts';
export { decapsulateEcn, ECN, encapsulateEcn } from './ecn.ts';
export {
  copyEndpoint,
  createEndpoint,
  ENDPOINT,
  endpointAddressBytes,
  formatEndpoint,
  parseEndpoint,
  sameEndpoint,
  sameSource,
  writeEndpoint,
} from './endpoint.ts';
export {
  addressLengthOf,
  destinationAt,
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  innerPacketLength,
  ipVersion,
  ipv4Fragment,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4TotalLength,
  ipv6NextHeader,
  ipv6PayloadLength,
  PROTOCOL,
  readTos,
  readUint16,
  readUint32,
  sourceAt,
  writeEcn,
  writeUint16,
  writeUint32,
} from './header.ts';
export { buildPacketTooBig, buildUnreachable, type UnreachableReason } from './icmp.ts';
export {
  formatPrefix,
  maskAddress,
  type Prefix,
  parsePrefix,
  prefixContains,
  prefixesOverlap,
} from './prefix.ts';
export {
  createFrameShape,
  type FrameShape,
  finishChecksum,
  GSO,
  measureFrame,
  TCP_CHECKSUM_OFFSET,
  UDP_CHECKSUM_OFFSET,
  writeSegment,
} from './segment.ts';
export { findPlainTransport, findTransport, transportOffset, transportProtocol } from './transport.ts';
