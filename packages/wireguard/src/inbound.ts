/** Datagrams from the network: who may have sent them, and what of them reaches the TUN. */
import { decapsulateEcn, innerPacketLength, readTos, writeEcn } from '@pcloud/ip';
import { DATAGRAM } from './batch.ts';
import {
  KEEPALIVE_TIMEOUT,
  REJECT_AFTER_TIME,
  REKEY_TIMEOUT,
  TRANSPORT_HEADER_BYTES,
  TRANSPORT_OVERHEAD_BYTES,
} from './constants.ts';
import type { DeviceContext } from './context.ts';
import { completeHandshake, handleHandshakeMessage, initiateHandshake, roam } from './handshakes.ts';
import { isFresh, type Keypair, promoteNext } from './keypair.ts';
import { COOKIE_REPLY, INITIATION, MESSAGE_TYPE, RESPONSE } from './messages.ts';
import { readAddress4 } from './outbound.ts';
import type { PeerState } from './peer.ts';
import { noteDataReceived, noteReceived } from './timers.ts';

const NO_KEY = -1;

/** Takes the handshake messages among the first `count` datagrams, and names the key of each transport message. */
export function handleDatagrams(context: DeviceContext, count: number, now: number): void {
  const { datagrams } = context.batch;
  let lastReceiver = -1;
  let lastKeypair: Keypair | undefined;
  for (let index = 0; index < count; index++) {
    const at = index * DATAGRAM.WORDS;
    datagrams[at + DATAGRAM.KEY] = NO_KEY;
    datagrams[at + DATAGRAM.DELIVER] = 0;
    context.datagramKeypairs[index] = undefined;
    if (datagrams[at + DATAGRAM.TYPE] !== MESSAGE_TYPE.TRANSPORT) {
      handleOther(context, at, now);
      // A handshake may have changed which sessions there are.
      lastReceiver = -1;
      continue;
    }
    if (datagrams[at + DATAGRAM.LENGTH]! < TRANSPORT_OVERHEAD_BYTES) {
      context.counters['short-dropped'] += 1;
      continue;
    }
    const receiver = datagrams[at + DATAGRAM.RECEIVER]! >>> 0;
    if (receiver !== lastReceiver) {
      lastReceiver = receiver;
      lastKeypair = findKeypair(context, receiver, now);
    }
    if (lastKeypair === undefined) {
      countUnusable(context, receiver);
      continue;
    }
    context.datagramKeypairs[index] = lastKeypair;
    datagrams[at + DATAGRAM.KEY] = lastKeypair.receiveKey;
  }
}

/** Checks what was opened of the first `count` datagrams and decides what is delivered. */
export function handleOpened(context: DeviceContext, count: number, now: number): void {
  const { datagrams } = context.batch;
  const run = { keypair: undefined, source: -1, hasData: false } as Run;
  for (let index = 0; index < count; index++) {
    const keypair = context.datagramKeypairs[index];
    if (keypair === undefined) continue;
    context.datagramKeypairs[index] = undefined;
    if (keypair.peer.isRemoved || !context.isUp) {
      // It ended since its datagram was given the key.
      context.counters['unknown-index-dropped'] += 1;
      continue;
    }
    const at = index * DATAGRAM.WORDS;
    const opened = datagrams[at + DATAGRAM.OPENED]!;
    if (opened < 0) {
      context.counters['bad-tag-dropped'] += 1;
      continue;
    }
    const low = datagrams[at + DATAGRAM.COUNTER_LOW]! >>> 0;
    const high = datagrams[at + DATAGRAM.COUNTER_HIGH]! >>> 0;
    if (!keypair.replay.accept(low, high)) {
      context.counters['replayed-dropped'] += 1;
      continue;
    }
    if (keypair !== run.keypair) {
      finishRun(context, run, now);
      startRun(context, run, keypair, now);
    }
    const source = datagrams[at + DATAGRAM.SOURCE]!;
    if (source !== run.source) {
      run.source = source;
      roam(context, keypair.peer, source);
    }
    keypair.peer.rxBytes += opened + TRANSPORT_OVERHEAD_BYTES;
    if (opened === 0) {
      context.counters['keepalives-received'] += 1;
      continue;
    }
    run.hasData = true;
    context.batch.senders[index] = keypair.peer.endpointSlot;
    datagrams[at + DATAGRAM.DELIVER] = acceptPacket(context, keypair.peer, at, opened, now);
  }
  finishRun(context, run, now);
}

/** Datagrams in a row under one session: its peer's timers move once. */
interface Run {
  keypair: Keypair | undefined;
  source: number;
  hasData: boolean;
}

function startRun(context: DeviceContext, run: Run, keypair: Keypair, now: number): void {
  const { peer } = keypair;
  run.keypair = keypair;
  run.source = -1;
  run.hasData = false;
  peer.lastReceivedAt = now;
  if (keypair !== peer.keypairs.next) return;
  promoteNext(peer.keypairs, context.retire);
  completeHandshake(context, peer);
  if (peer.staged.packets > 0) context.ready.add(peer);
}

function finishRun(context: DeviceContext, run: Run, now: number): void {
  if (run.keypair === undefined) return;
  const { peer } = run.keypair;
  noteReceived(peer.timers, now, peer.keepaliveIntervalSeconds);
  if (run.hasData) noteDataReceived(peer.timers, now);
  renewLate(context, peer, now);
  context.schedule(peer);
}

// Whitepaper 6.2: a session that is only received under must not end in silence either.
function renewLate(context: DeviceContext, peer: PeerState, now: number): void {
  const { current } = peer.keypairs;
  if (peer.rekeyedOnReceive || current === undefined || !current.isInitiator) return;
  if (now - current.createdAt <= REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT) return;
  peer.rekeyedOnReceive = true;
  initiateHandshake(context, peer, now, false);
}

// The bytes to deliver, or 0: the padding is cut off and the source must be the sender's own.
function acceptPacket(context: DeviceContext, peer: PeerState, at: number, opened: number, now: number): number {
  const { bytes, datagrams } = context.batch;
  const offset = datagrams[at + DATAGRAM.OFFSET]! + TRANSPORT_HEADER_BYTES;
  const length = innerPacketLength(bytes, offset, opened);
  if (length === 0) {
    context.counters['bad-length-dropped'] += 1;
    return 0;
  }
  const owner =
    bytes[offset]! >> 4 === 4
      ? context.allowedIps.lookup4(readAddress4(bytes, offset + 12))
      : context.allowedIps.lookup6(bytes, offset + 8);
  if (owner !== peer) {
    context.counters['source-check-dropped'] += 1;
    peer.lastSourceCheckDropAt = now;
    return 0;
  }
  const outer = datagrams[at + DATAGRAM.TOS]! & 3;
  if (outer === 0) return length;
  const inner = readTos(bytes, offset);
  const ecn = decapsulateEcn(outer, inner);
  if (ecn < 0) {
    context.counters['ecn-dropped'] += 1;
    return 0;
  }
  if (ecn !== (inner & 3)) writeEcn(bytes, offset, ecn);
  return length;
}

function findKeypair(context: DeviceContext, receiver: number, now: number): Keypair | undefined {
  const entry = context.indices.get(receiver);
  return entry?.kind === 'keypair' && isFresh(entry, now) ? entry : undefined;
}

function countUnusable(context: DeviceContext, receiver: number): void {
  const isExpired = context.indices.get(receiver)?.kind === 'keypair';
  context.counters[isExpired ? 'expired-key-dropped' : 'unknown-index-dropped'] += 1;
}

function handleOther(context: DeviceContext, at: number, now: number): void {
  const { datagrams, bytes } = context.batch;
  const length = datagrams[at + DATAGRAM.LENGTH]!;
  const expected = handshakeLength(datagrams[at + DATAGRAM.TYPE]!);
  if (length < 4) {
    context.counters['short-dropped'] += 1;
  } else if (expected === 0) {
    context.counters['unknown-type-dropped'] += 1;
  } else if (length !== expected) {
    context.counters['wrong-length-dropped'] += 1;
  } else if (context.identity === undefined || !context.isUp) {
    // Whom it is for, and whom it is from, cannot be known.
    context.counters['unknown-peer-dropped'] += 1;
  } else {
    const offset = datagrams[at + DATAGRAM.OFFSET]!;
    handleHandshakeMessage(context, bytes.slice(offset, offset + length), datagrams[at + DATAGRAM.SOURCE]!, now);
  }
}

function handshakeLength(type: number): number {
  if (type === MESSAGE_TYPE.INITIATION) return INITIATION.BYTES;
  if (type === MESSAGE_TYPE.RESPONSE) return RESPONSE.BYTES;
  if (type === MESSAGE_TYPE.COOKIE_REPLY) return COOKIE_REPLY.BYTES;
  return 0;
}
