/**
 * What coordinator and daemon speak: maps and their deltas, messages, the node channel, join links, server
 * sets, names and addresses. Pure.
 * @module
 */
export {
  ADDRESS_REST_MS,
  addressOf,
  CANDIDATE_NETWORKS,
  firstFreeNetwork,
  type IndexUse,
  indexCapacity,
  indexOf,
  isIndexFree,
  MAX_INDEX,
  nextFreeIndex,
  ulaFor,
} from './addressing.ts';
export { canonicalJson } from './canonical-json.ts';
export {
  type Channel,
  type ChannelKeys,
  type ChannelOptions,
  createChannel,
  FRAME,
  type FrameFault,
  MAX_MESSAGE_BYTES,
  type OpenedFrame,
} from './channel/channel.ts';
export { type ClientChannel, type ClientChannelOptions, createClientChannel } from './channel/client-channel.ts';
export { controlPrologue, HANDSHAKE, type HandshakeOptions, type HandshakeResult } from './channel/handshake.ts';
export { createInitiator, type Initiator, type InitiatorOptions } from './channel/initiator.ts';
export { createResponder, type Responder } from './channel/responder.ts';
export { createServerChannel, type ServerChannel, type ServerChannelOptions } from './channel/server-channel.ts';
export type { ChannelFault, ChannelOutput } from './channel/session.ts';
export { NetmapError, type NetmapErrorCode } from './errors.ts';
export { formatJoinLink, JOIN_LINK, type JoinLink, parseJoinLink } from './join-link.ts';
export type { MapDelta, MapNetwork, MapNode, MapVersion, NetworkMap, Presence } from './map.ts';
export { applyDelta, diffMaps } from './map-delta.ts';
export { isMeshRange, MESH_RANGES, mapFault } from './map-fault.ts';
export { type EntryKind, entryHash, hashMap, xorInto } from './map-hash.ts';
export { type MapMessage, readMapMessage, writeMapMessage } from './map-message.ts';
export { decodeNodeMessage, decodeServerMessage, encodeMessage } from './message-schema.ts';
export {
  type NodeMessage,
  PROTOCOL_VERSIONS,
  REVOCATIONS_VERSION,
  type RefusalCode,
  type ServerMessage,
} from './messages.ts';
export { isNodeName, MAX_NAME_LENGTH, toNodeName, uniqueName } from './names.ts';
export { formatNetworkId, networkId, parseNetworkId } from './network-id.ts';
export { proveNodeKey, verifyNodeKey } from './node-key-proof.ts';
export { isPlainText, toPlainText } from './plain-text.ts';
export { approvesExit, approvesRoute, mayTag } from './policy/approvals.ts';
export { type CompiledPolicy, compilePolicy } from './policy/compile.ts';
export type { Verdict } from './policy/decide.ts';
export { DEFAULT_POLICY } from './policy/default-policy.ts';
export {
  admittingRule,
  type FilterPacket,
  type FilterPeer,
  type FilterRule,
  type FilterSelector,
  FLOOR_RULE,
  USUAL_PROTOCOLS,
} from './policy/filter-rule.ts';
export { CEILING, type CeilingRule, FLOOR, type FloorRule } from './policy/fixed-rules.ts';
export { POLICY_LIMITS } from './policy/limits.ts';
export type { BehindNode, PolicyNode } from './policy/node.ts';
export { type PolicyResult, parsePolicy } from './policy/parse.ts';
export type { Policy } from './policy/policy.ts';
export { formatTestFailure, type PolicyTestFailure, runPolicyTests } from './policy/policy-tests.ts';
export { hasPorts, type PortRange, parseProtocol } from './policy/ports.ts';
export { formatProblem, type PolicyProblem, type PolicyProblemCode } from './policy/problem.ts';
export { formatTrace, type TracedFlow } from './policy/trace.ts';
export type { PolicyFacts, PolicyUser, Users } from './policy/users.ts';
export { canonicalKey, isCanonicalKey } from './public-key.ts';
export { createRevocationSet, type Revocation, type RevocationSet } from './revocation.ts';
export { LIMITS, MAX_NODE_MESSAGE_BYTES, MAX_SERVER_MESSAGE_BYTES } from './schema/limits.ts';
export { type OpenedServerSet, openServerSet, type ServerSetRefusal } from './server-set/open.ts';
export { openWithRoot, rootKeyOf, sealToRoot } from './server-set/seal-to-root.ts';
export {
  type ServerSet,
  type ServerSetEntry,
  type ServerSetSignature,
  signKeyOf,
  signSeedOf,
} from './server-set/server-set.ts';
export { appendServerSet, signServerSet, signStatement } from './server-set/sign.ts';
export {
  decodeBase32,
  decodeBase64,
  decodeBase64Url,
  decodeHex,
  encodeBase32,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
} from './text.ts';
export { parseServerUrl } from './urls.ts';
