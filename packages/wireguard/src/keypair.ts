/** A session's keys and counters, and the three of them that a peer can have: whitepaper 6.1–6.3. */
import { REJECT_AFTER_MESSAGES_LOW, REJECT_AFTER_TIME, REKEY_AFTER_MESSAGES_HIGH } from './constants.ts';
import type { PeerState } from './peer.ts';
import type { ReplayWindow } from './replay.ts';

export interface Keypair {
  readonly kind: 'keypair';
  readonly peer: PeerState;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly isInitiator: boolean;
  readonly createdAt: number;
  /** When our initiation was sent, or theirs came. */
  readonly initiatedAt: number;
  /** Slots of the two keys in the data plane. */
  readonly sendKey: number;
  readonly receiveKey: number;
  readonly replay: ReplayWindow;
  /** The next counter to send with, in unsigned halves. */
  sendLow: number;
  sendHigh: number;
}

/** A new session starts as `next` (responder) or `current` (initiator); `previous` only receives. */
export interface Keypairs {
  previous: Keypair | undefined;
  current: Keypair | undefined;
  next: Keypair | undefined;
}

/** Whether it is young enough to be used at all. */
export function isFresh(keypair: Keypair, now: number): boolean {
  return now - keypair.createdAt < REJECT_AFTER_TIME;
}

/**
 * Whether `count` more messages may be sent with it. The responder's session began while the response was
 * still under way, so the initiator counts from its initiation: what it sends last arrives in time.
 */
export function canSend(keypair: Keypair, count: number, now: number): boolean {
  if (now - keypair.initiatedAt >= REJECT_AFTER_TIME) return false;
  return keypair.sendHigh !== 0xffff_ffff || keypair.sendLow + count <= REJECT_AFTER_MESSAGES_LOW;
}

/** Moves the send counter on by `count`. */
export function advanceCounter(keypair: Keypair, count: number): void {
  const low = keypair.sendLow + count;
  if (low > 0xffff_ffff) keypair.sendHigh += 1;
  keypair.sendLow = low >>> 0;
}

/** No more can be sent with it: the private key or what it stands for has changed. */
export function expireForSending(keypair: Keypair | undefined): void {
  if (keypair === undefined) return;
  keypair.sendHigh = 0xffff_ffff;
  keypair.sendLow = 0xffff_ffff;
}

export function hasSentTooMany(keypair: Keypair): boolean {
  return keypair.sendHigh >= REKEY_AFTER_MESSAGES_HIGH;
}

/**
 * Takes the session that answers an initiation of ours.
 *
 * Where both sides initiated at once there are two sessions; both stay usable and `ownWins` names the one
 * that both sides settle on: ours becomes current and theirs only receives, or theirs stays `next` and
 * takes over as soon as the peer is seen using it.
 */
export function adoptInitiated(pairs: Keypairs, keypair: Keypair, ownWins: boolean, retire: Retire): void {
  const { previous, current, next } = pairs;
  const isGlare = next !== undefined && next.createdAt >= keypair.initiatedAt;
  pairs.current = keypair;
  if (next === undefined || (isGlare && !ownWins)) {
    pairs.previous = current;
    retire(previous);
    return;
  }
  pairs.previous = next;
  pairs.next = undefined;
  retire(previous);
  retire(current);
}

/** Takes the session of an initiation that we answered: not used to send before the peer is seen using it. */
export function adoptResponded(pairs: Keypairs, keypair: Keypair, retire: Retire): void {
  const { previous, next } = pairs;
  pairs.previous = undefined;
  pairs.next = keypair;
  retire(previous);
  retire(next);
}

/** The peer was seen using `next`: it becomes current. */
export function promoteNext(pairs: Keypairs, retire: Retire): void {
  const { previous } = pairs;
  pairs.previous = pairs.current;
  pairs.current = pairs.next;
  pairs.next = undefined;
  retire(previous);
}

type Retire = (keypair: Keypair | undefined) => void;
