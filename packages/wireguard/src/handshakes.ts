/** Sending and taking handshake messages: whitepaper 5.4, and two initiations that cross. */
import { ENDPOINT } from '@pcloud/ip';
import { compareBytes } from './bytes.ts';
import {
  HANDSHAKE_INITIATION_INTERVAL,
  HANDSHAKE_TOS,
  INITIATION_LIFETIME,
  KEY_BYTES,
  REKEY_TIMEOUT,
} from './constants.ts';
import type { DeviceContext, Identity } from './context.ts';
import { adoptInitiated, adoptResponded, type Keypair } from './keypair.ts';
import { COOKIE_REPLY, INITIATION, MESSAGE_TYPE, RESPONSE, readWord } from './messages.ts';
import {
  clampPrivateKey,
  computeStaticSecret,
  type OpenedInitiation,
  openInitiation,
  openResponse,
  openTimestamp,
  type RemoteKeys,
  type TransportKeys,
  wipeTranscript,
  writeInitiation,
  writeResponse,
} from './noise.ts';
import type { Initiation, PeerState } from './peer.ts';
import { createReplayWindow } from './replay.ts';
import { compareStamps } from './tai64n.ts';
import {
  jitter,
  noteHandshakeComplete,
  noteInitiationDeferred,
  noteInitiationSent,
  noteReceived,
  noteSent,
  noteSessionDerived,
} from './timers.ts';

/** Responses to more initiations than this at once are not expected: one every REKEY_TIMEOUT is sent. */
const MAX_INITIATIONS_IN_FLIGHT = INITIATION_LIFETIME / REKEY_TIMEOUT;

/**
 * Starts a handshake; where one was started or answered within REKEY_TIMEOUT, as soon as that is over.
 * @param isRetry whether it repeats one that stayed unanswered.
 * @returns whether an initiation was sent
 */
export function initiateHandshake(context: DeviceContext, peer: PeerState, now: number, isRetry: boolean): boolean {
  if (!isRetry) peer.handshakeAttempts = 0;
  if (context.identity === undefined || !context.isUp || !peer.hasEndpoint || peer.staticSecret === undefined) {
    return false;
  }
  if (now < peer.lastHandshakeSentAt + REKEY_TIMEOUT) {
    deferHandshake(context, peer);
    return false;
  }
  peer.lastHandshakeSentAt = now;

  const { stamp, reserve, isFarAhead } = context.stamps.next(context.wallMs(), peer.lastSentStamp);
  peer.lastSentStamp.set(stamp);
  if (reserve !== undefined) context.outputs.push({ kind: 'stamp', reserved: reserve });
  const ephemeralPrivate = createEphemeral(context);
  const localIndex = context.indices.draw();
  const message = new Uint8Array(INITIATION.BYTES);
  const ours = identityFor(context, context.identity, peer);
  const theirs = remoteOf(context, ours, peer);
  const state = writeInitiation(context.crypto, ours, theirs, ephemeralPrivate, stamp, localIndex, message);
  endRemote(theirs, peer);
  if (state === undefined) return false;
  // Under traffic it is packets, not the timer, that repeat what stayed unanswered.
  if (!isRetry && peer.initiations.length > 0) context.emit('handshake-retry', peer);
  const initiation: Initiation = { kind: 'initiation', peer, localIndex, state, ours, sentAt: now };
  context.indices.set(localIndex, initiation);
  peer.initiations.push(initiation);
  while (peer.initiations.length > MAX_INITIATIONS_IN_FLIGHT) forgetInitiation(context, peer.initiations.shift()!);

  if (isFarAhead) noteStampAhead(context, peer);
  noteInitiationSent(peer.timers, now, jitter(context.randomWord()));
  sendHandshakeMessage(context, peer, message, now);
  context.counters['initiations-sent'] += 1;
  return true;
}

// A peer that does not answer our new key may not know of it yet: every other initiation is by the former one.
function identityFor({ formerIdentity }: DeviceContext, identity: Identity, peer: PeerState): Identity {
  return formerIdentity !== undefined && peer.initiations.at(-1)?.ours === identity ? formerIdentity : identity;
}

// The peer as the handshake by these keys of ours needs it.
function remoteOf(context: DeviceContext, ours: Identity, peer: PeerState): RemoteKeys {
  if (ours === context.identity) return peer;
  const { publicKey, presharedKey } = peer;
  return { publicKey, presharedKey, staticSecret: computeStaticSecret(context.crypto, ours.privateKey, publicKey) };
}

function endRemote(theirs: RemoteKeys, peer: PeerState): void {
  if (theirs !== peer) theirs.staticSecret?.fill(0);
}

// The peer remembers it, and takes nothing from a clock that is set right before that day has come.
function noteStampAhead(context: DeviceContext, peer: PeerState): void {
  context.counters['stamps-ahead'] += 1;
  context.emit('stamp-ahead', peer);
}

// Where the other side's handshake does not come to its end, ours must still follow.
function deferHandshake(context: DeviceContext, peer: PeerState): void {
  if (peer.timers.retransmitHandshake !== Number.POSITIVE_INFINITY) return;
  noteInitiationDeferred(peer.timers, peer.lastHandshakeSentAt, jitter(context.randomWord()));
  context.schedule(peer);
}

/** Drops and wipes initiations that can no longer be answered. */
export function expireInitiations(context: DeviceContext, peer: PeerState, now: number): void {
  forgetWhile(context, peer, ({ sentAt }) => sentAt + INITIATION_LIFETIME <= now);
}

/** Drops and wipes initiations that were sent at or before `sentUntil`. */
export function forgetInitiations(context: DeviceContext, peer: PeerState, sentUntil: number): void {
  forgetWhile(context, peer, ({ sentAt }) => sentAt <= sentUntil);
}

function forgetWhile(context: DeviceContext, peer: PeerState, isOver: (initiation: Initiation) => boolean): void {
  while (peer.initiations.length > 0 && isOver(peer.initiations[0]!)) {
    forgetInitiation(context, peer.initiations.shift()!);
  }
  const youngest = peer.initiations.at(-1);
  peer.timers.forgetInitiations =
    youngest === undefined ? Number.POSITIVE_INFINITY : youngest.sentAt + INITIATION_LIFETIME;
}

/** Takes a message of type 1, 2 or 3 that came from the endpoint in `slot`. */
export function handleHandshakeMessage(context: DeviceContext, message: Uint8Array, slot: number, now: number): void {
  const { counters } = context;
  if (context.identity === undefined || !context.isUp) return;
  const type = readWord(message, 0);
  if (type === MESSAGE_TYPE.COOKIE_REPLY) {
    handleCookieReply(context, message, now);
    return;
  }
  const identity = [context.identity, context.formerIdentity].find((ours) => ours?.checker.isMac1Valid(message));
  if (identity === undefined) {
    counters['bad-mac1-dropped'] += 1;
    return;
  }
  const { endpoints } = context.batch;
  const source = endpoints.slice(slot * ENDPOINT.WORDS, (slot + 1) * ENDPOINT.WORDS);
  const hasCookie = (): boolean => identity.checker.isMac2Valid(message, source, now);
  const verdict = context.admission.decide(endpoints, slot, hasCookie, now);
  if (verdict === 'drop') {
    counters['rate-limited-dropped'] += 1;
  } else if (verdict === 'ask-cookie') {
    counters['bad-mac2-dropped'] += 1;
    counters['cookies-sent'] += 1;
    // The sender index stands at the same place in both messages.
    const datagram = identity.checker.createReply(message, readWord(message, INITIATION.SENDER), source, now);
    context.outputs.push({ kind: 'transmit', datagram, endpoint: source, tos: 0 });
  } else if (type === MESSAGE_TYPE.INITIATION) {
    handleInitiation(context, identity, message, slot, now);
  } else {
    handleResponse(context, message, slot, now);
  }
}

function handleInitiation(
  context: DeviceContext,
  identity: Identity,
  message: Uint8Array,
  slot: number,
  now: number,
): void {
  const { crypto, counters } = context;
  const opened = openInitiation(crypto, identity, message);
  if (opened === undefined) {
    counters['bad-handshake-dropped'] += 1;
    return;
  }
  const peer = identifyInitiator(context, identity, opened, message, slot, now);
  if (peer === undefined) {
    wipeTranscript(opened);
    return;
  }
  counters['initiations-received'] += 1;
  noteAuthenticated(context, peer, message.length, slot, now);

  const localIndex = context.indices.draw();
  const response = new Uint8Array(RESPONSE.BYTES);
  const keys = writeResponse(crypto, opened, peer, createEphemeral(context), localIndex, response);
  if (keys === undefined) {
    counters['bad-handshake-dropped'] += 1;
    context.schedule(peer);
    return;
  }
  const session = { localIndex, remoteIndex: opened.senderIndex, isInitiator: false, createdAt: now, initiatedAt: now };
  const keypair = createKeypair(context, peer, keys, session);
  adoptResponded(peer.keypairs, keypair, context.retire);
  peer.lastHandshakeSentAt = now;
  noteSessionDerived(peer.timers, now);
  sendHandshakeMessage(context, peer, response, now);
  counters['responses-sent'] += 1;
}

// The peer whose initiation it is, if it is a new one.
function identifyInitiator(
  context: DeviceContext,
  ours: Identity,
  opened: OpenedInitiation,
  message: Uint8Array,
  slot: number,
  now: number,
): PeerState | undefined {
  const { crypto, counters } = context;
  const peer = context.findPeer(opened.initiator);
  if (peer === undefined) {
    counters['unknown-peer-dropped'] += 1;
    context.strangers.note(opened.initiator, context.batch.endpoints, slot, now);
    return undefined;
  }
  const theirs = remoteOf(context, ours, peer);
  const stamp = openTimestamp(crypto, opened, theirs, message);
  endRemote(theirs, peer);
  if (stamp === undefined) {
    counters['bad-handshake-dropped'] += 1;
    return undefined;
  }
  if (compareStamps(stamp, peer.latestStamp) <= 0) {
    counters['replayed-handshake-dropped'] += 1;
    peer.lastOldStampAt = now;
    return undefined;
  }
  if (now - peer.lastInitiationAt < HANDSHAKE_INITIATION_INTERVAL) {
    counters['flooding-handshake-dropped'] += 1;
    return undefined;
  }
  peer.latestStamp.set(stamp);
  peer.lastInitiationAt = now;
  return peer;
}

function handleResponse(context: DeviceContext, message: Uint8Array, slot: number, now: number): void {
  const initiation = context.indices.get(readWord(message, RESPONSE.RECEIVER));
  if (initiation?.kind !== 'initiation') {
    context.counters['unknown-index-dropped'] += 1;
    return;
  }
  const { peer, ours } = initiation;
  const keys = openResponse(context.crypto, ours, initiation.state, peer, message);
  if (keys === undefined) {
    context.counters['bad-handshake-dropped'] += 1;
    peer.lastUnsealedResponseAt = now;
    return;
  }
  context.counters['responses-received'] += 1;
  const { localIndex, sentAt } = initiation;
  // A younger initiation may still be answered, and then its session is the one that the peer keeps.
  forgetInitiations(context, peer, sentAt);
  const remoteIndex = readWord(message, RESPONSE.SENDER);
  const session = { localIndex, remoteIndex, isInitiator: true, createdAt: now, initiatedAt: sentAt };
  const keypair = createKeypair(context, peer, keys, session);
  const ownWins = compareBytes(ours.publicKey, peer.publicKey) < 0;
  adoptInitiated(peer.keypairs, keypair, ownWins, context.retire);

  noteAuthenticated(context, peer, message.length, slot, now);
  noteSessionDerived(peer.timers, now);
  completeHandshake(context, peer);
  // Key confirmation: what waits, or else a keepalive.
  peer.wantsKeepalive = true;
  context.ready.add(peer);
  context.schedule(peer);
}

function handleCookieReply(context: DeviceContext, message: Uint8Array, now: number): void {
  const owner = context.indices.get(readWord(message, COOKIE_REPLY.RECEIVER));
  if (owner === undefined) {
    context.counters['unknown-index-dropped'] += 1;
  } else if (owner.peer.jar.handleReply(message, now)) {
    context.counters['cookies-received'] += 1;
  } else {
    context.counters['bad-cookie-dropped'] += 1;
  }
}

/** A session is confirmed, by the response or by the first packet under it. */
export function completeHandshake(context: DeviceContext, peer: PeerState): void {
  noteHandshakeComplete(peer.timers);
  peer.handshakeAttempts = 0;
  peer.hasGivenUp = false;
  peer.rekeyedOnReceive = false;
  peer.lastOldStampAt = Number.NEGATIVE_INFINITY;
  peer.lastUnsealedResponseAt = Number.NEGATIVE_INFINITY;
  peer.lastLoopDropAt = Number.NEGATIVE_INFINITY;
  peer.lastHandshakeWallMs = context.wallMs();
  context.emit('handshake-complete', peer);
}

/** The peer sent something that verifies from the endpoint in `slot`: that is where it is now. */
export function roam(context: DeviceContext, peer: PeerState, slot: number): void {
  const { endpoints } = context.batch;
  const to = peer.endpointSlot * ENDPOINT.WORDS;
  const from = slot * ENDPOINT.WORDS;
  let word = 0;
  while (word < ENDPOINT.NO_SEGMENTATION && endpoints[to + word] === endpoints[from + word]) word++;
  if (word === ENDPOINT.NO_SEGMENTATION) return;
  // A new address is a new path, and what was learnt of the old one does not count; a new source is not.
  if (word < ENDPOINT.HAS_SOURCE) {
    endpoints[to + ENDPOINT.NO_SEGMENTATION] = 0;
    context.emit('roamed', peer);
  }
  endpoints.copyWithin(to, from, from + ENDPOINT.NO_SEGMENTATION);
}

function noteAuthenticated(context: DeviceContext, peer: PeerState, bytes: number, slot: number, now: number): void {
  peer.rxBytes += bytes;
  peer.lastReceivedAt = now;
  roam(context, peer, slot);
  noteReceived(peer.timers, now, peer.keepaliveIntervalSeconds);
}

function sendHandshakeMessage(context: DeviceContext, peer: PeerState, message: Uint8Array, now: number): void {
  peer.jar.writeMacs(message, now);
  peer.txBytes += message.length;
  noteSent(peer.timers, now, peer.keepaliveIntervalSeconds);
  context.schedule(peer);
  context.outputs.push({ kind: 'transmit', datagram: message, endpoint: peer.copyEndpoint()!, tos: HANDSHAKE_TOS });
}

function createKeypair(
  context: DeviceContext,
  peer: PeerState,
  keys: TransportKeys,
  session: Pick<Keypair, 'localIndex' | 'remoteIndex' | 'isInitiator' | 'createdAt' | 'initiatedAt'>,
): Keypair {
  const keypair: Keypair = {
    kind: 'keypair',
    peer,
    ...session,
    sendKey: context.takeKeySlot(),
    receiveKey: context.takeKeySlot(),
    replay: createReplayWindow(),
    sendLow: 0,
    sendHigh: 0,
  };
  context.keys.installKey(keypair.sendKey, keys.send);
  context.keys.installKey(keypair.receiveKey, keys.receive);
  keys.send.fill(0);
  keys.receive.fill(0);
  context.indices.set(keypair.localIndex, keypair);
  context.remoteIndices.set(keypair.remoteIndex, keypair);
  return keypair;
}

function forgetInitiation(context: DeviceContext, initiation: Initiation): void {
  context.indices.delete(initiation.localIndex);
  wipeTranscript(initiation.state);
}

function createEphemeral(context: DeviceContext): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  context.random(key);
  clampPrivateKey(key);
  return key;
}
