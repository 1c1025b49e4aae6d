/** Frames on their way to peers: who gets them, and under which key and counters. Whitepaper 5.4.6. */
import { buildUnreachable, encapsulateEcn, PROTOCOL, readTos } from '@pcloud/ip';
import { FRAME, LAYOUT, REGIONS } from './batch.ts';
import { REKEY_AFTER_TIME } from './constants.ts';
import type { DeviceContext } from './context.ts';
import { initiateHandshake } from './handshakes.ts';
import { advanceCounter, canSend, hasSentTooMany, type Keypair } from './keypair.ts';
import { findLooped } from './loop-guard.ts';
import type { PeerState } from './peer.ts';
import { jitter, noteDataSent, noteSent } from './timers.ts';

const NO_KEY = -1;
const IPV6_FRAGMENT = 44;

/** Decides the first `count` frames of the batch. */
export function handleFrames(context: DeviceContext, count: number, now: number): void {
  const { frames, bytes } = context.batch;
  for (let index = 0; index < count; index++) {
    const at = index * FRAME.WORDS;
    frames[at + FRAME.KEY] = NO_KEY;
    context.frameOwners[index] = undefined;
    const offset = frames[at + FRAME.OFFSET]!;
    const length = frames[at + FRAME.LENGTH]!;
    const peer = findOwner(context, bytes, offset, length);
    if (peer === undefined) continue;
    if (!peer.hasEndpoint) {
      refuse(context, offset, length, 'no-endpoint-dropped');
      continue;
    }
    if (mayBeOuter(bytes, offset) && isLooped(context, offset, length, frames[at + FRAME.SEGMENTS]!, now)) continue;
    const { current } = peer.keypairs;
    // What waits already goes first.
    if (current !== undefined && peer.staged.packets === 0 && canSend(current, frames[at + FRAME.SEGMENTS]!, now)) {
      sendUnder(context, peer, current, index, now);
    } else if (!context.isUp) {
      context.counters['staged-dropped'] += frames[at + FRAME.SEGMENTS]!;
    } else {
      context.counters['staged-dropped'] += context.staging.add(peer.staged, context.batch, index);
      context.ready.add(peer);
    }
  }
}

/**
 * Fills the batch's frames with staged packets and keepalives of peers that are ready, as many as fit.
 * Peers without a session start a handshake instead and keep what waits.
 * @returns how many frames there are to seal
 */
export function fillFrames(context: DeviceContext, now: number): number {
  let count = 0;
  for (const peer of context.ready) {
    while (count < LAYOUT.TUN_SLOTS && hasSomethingToSend(peer)) {
      const { current } = peer.keypairs;
      if (current === undefined || !fillFrame(context, peer, current, count, now)) {
        // The response is followed by what waits, or else by a keepalive.
        peer.wantsKeepalive = false;
        initiateHandshake(context, peer, now, false);
        break;
      }
      count++;
    }
    if (count === LAYOUT.TUN_SLOTS && hasSomethingToSend(peer)) return count;
    context.ready.delete(peer);
  }
  return count;
}

/** Notes what became of the first `count` frames. */
export function handleSent(context: DeviceContext, count: number): void {
  const { frames } = context.batch;
  for (let index = 0; index < count; index++) {
    const owner = context.frameOwners[index];
    if (owner === undefined) continue;
    owner.txBytes += frames[index * FRAME.WORDS + FRAME.SENT_BYTES]!;
    context.frameOwners[index] = undefined;
  }
}

function hasSomethingToSend(peer: PeerState): boolean {
  return peer.wantsKeepalive || peer.staged.packets > 0;
}

function fillFrame(context: DeviceContext, peer: PeerState, current: Keypair, index: number, now: number): boolean {
  const { batch, staging, counters } = context;
  const at = index * FRAME.WORDS;
  const offset = REGIONS.TUN + index * LAYOUT.TUN_SLOT_BYTES + LAYOUT.TUN_HEADROOM;
  const isData = peer.staged.packets > 0;
  if (isData) {
    const [oldest] = peer.staged.frames;
    if (!canSend(current, oldest!.words[FRAME.SEGMENTS]!, now)) return false;
    staging.take(peer.staged, batch, index, offset);
  } else {
    if (!canSend(current, 1, now)) return false;
    batch.frames.fill(0, at, at + FRAME.WORDS);
    batch.frames[at + FRAME.OFFSET] = offset;
    batch.frames[at + FRAME.SEGMENTS] = 1;
    counters['keepalives-sent'] += 1;
  }
  peer.wantsKeepalive = false;
  sendUnder(context, peer, current, index, now);
  return true;
}

function sendUnder(context: DeviceContext, peer: PeerState, keypair: Keypair, index: number, now: number): void {
  const { frames, bytes } = context.batch;
  const at = index * FRAME.WORDS;
  const isKeepalive = frames[at + FRAME.LENGTH] === 0;
  frames[at + FRAME.KEY] = keypair.sendKey;
  frames[at + FRAME.COUNTER_LOW] = keypair.sendLow;
  frames[at + FRAME.COUNTER_HIGH] = keypair.sendHigh;
  frames[at + FRAME.RECEIVER] = keypair.remoteIndex;
  frames[at + FRAME.ENDPOINT] = peer.endpointSlot;
  frames[at + FRAME.TOS] = isKeepalive ? 0 : encapsulateEcn(readTos(bytes, frames[at + FRAME.OFFSET]!));
  frames[at + FRAME.MTU] = context.mtu;
  frames[at + FRAME.SENT_BYTES] = 0;
  context.frameOwners[index] = peer;
  advanceCounter(keypair, frames[at + FRAME.SEGMENTS]!);

  const { timers } = peer;
  if (!isKeepalive && timers.newHandshake === Number.POSITIVE_INFINITY) {
    noteDataSent(timers, now, jitter(context.randomWord()));
  }
  noteSent(timers, now, peer.keepaliveIntervalSeconds);
  // Only the initiator renews a session by age, so that both sides do not do it at once.
  const isOld = keypair.isInitiator && now - keypair.createdAt > REKEY_AFTER_TIME;
  if (isOld || hasSentTooMany(keypair)) initiateHandshake(context, peer, now, false);
  context.schedule(peer);
}

// Longest prefix over the packet's destination.
function findOwner(context: DeviceContext, bytes: Uint8Array, at: number, length: number): PeerState | undefined {
  const version = length > 0 ? bytes[at]! >> 4 : 0;
  let peer: PeerState | undefined;
  if (version === 4 && length >= 20) {
    peer = context.allowedIps.lookup4(readAddress4(bytes, at + 16));
  } else if (version === 6 && length >= 40) {
    peer = context.allowedIps.lookup6(bytes, at + 24);
  } else {
    context.counters['not-ip-dropped'] += 1;
    return undefined;
  }
  if (peer === undefined) refuse(context, at, length, 'no-route-dropped');
  return peer;
}

// UDP, in IPv6 perhaps in fragments: all that a frame that is something else has to pay.
function mayBeOuter(bytes: Uint8Array, at: number): boolean {
  const protocol = bytes[at + (bytes[at]! >> 4 === 4 ? 9 : 6)]!;
  return protocol === PROTOCOL.UDP || protocol === IPV6_FRAGMENT;
}

// Sealed once more, it would come back once more.
function isLooped(context: DeviceContext, at: number, length: number, segments: number, now: number): boolean {
  const looped = findLooped(context, at, length);
  if (looped === undefined) return false;
  looped.lastLoopDropAt = now;
  refuse(context, at, length, 'loop-dropped', segments);
  return true;
}

/** An IPv4 address as a 32-bit big-endian value. */
export function readAddress4(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function refuse(
  context: DeviceContext,
  at: number,
  length: number,
  reason: 'no-route-dropped' | 'no-endpoint-dropped' | 'loop-dropped',
  packets = 1,
): void {
  context.counters[reason] += packets;
  if (!context.icmpBudget.take(context.latestNow)) return;
  const packet = buildUnreachable(context.batch.bytes, at, length, 'address');
  if (packet !== undefined) context.outputs.push({ kind: 'inject', packet });
}
