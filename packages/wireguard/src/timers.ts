/**
 * A peer's timers as data: when each is due, `Infinity` while it is off. Section 6 of the whitepaper; the
 * functions below say what arms and what cancels each.
 */

import {
  INITIATION_LIFETIME,
  KEEPALIVE_TIMEOUT,
  REJECT_AFTER_TIME,
  REKEY_TIMEOUT,
  REKEY_TIMEOUT_JITTER,
} from './constants.ts';
import type { TimeoutReason } from './device-api.ts';

const OFF = Number.POSITIVE_INFINITY;

export interface Timers {
  retransmitHandshake: number;
  keepalive: number;
  /** More data came while a keepalive was pending: another one follows it. */
  needsAnotherKeepalive: boolean;
  newHandshake: number;
  zeroKeys: number;
  persistentKeepalive: number;
  /** When the youngest initiation in flight can no longer be answered. */
  forgetInitiations: number;
}

export function createTimers(): Timers {
  return {
    retransmitHandshake: OFF,
    keepalive: OFF,
    needsAnotherKeepalive: false,
    newHandshake: OFF,
    zeroKeys: OFF,
    persistentKeepalive: OFF,
    forgetInitiations: OFF,
  };
}

export function stopTimers(timers: Timers): void {
  Object.assign(timers, createTimers());
}

/** Milliseconds in [0, REKEY_TIMEOUT_JITTER) from 32 random bits. */
export function jitter(random: number): number {
  return ((random >>> 0) * REKEY_TIMEOUT_JITTER) / 0x1_0000_0000;
}

/** A data packet (not a keepalive) was sent: unless an answer comes, a new handshake is due. */
export function noteDataSent(timers: Timers, now: number, spread: number): void {
  if (timers.newHandshake === OFF) timers.newHandshake = now + KEEPALIVE_TIMEOUT + REKEY_TIMEOUT + spread;
}

/** A data packet (not a keepalive) came: unless something is sent, a keepalive is due. */
export function noteDataReceived(timers: Timers, now: number): void {
  timers.needsAnotherKeepalive = timers.keepalive !== OFF;
  if (timers.keepalive === OFF) timers.keepalive = now + KEEPALIVE_TIMEOUT;
}

/** Any authenticated packet, a handshake or keepalive too, was sent. */
export function noteSent(timers: Timers, now: number, keepaliveSeconds: number): void {
  // One that is pending is not needed any more; one that was due is this very packet, and another one may follow.
  const isFollowed = timers.keepalive === OFF && timers.needsAnotherKeepalive;
  timers.keepalive = isFollowed ? now + KEEPALIVE_TIMEOUT : OFF;
  timers.needsAnotherKeepalive = false;
  noteTraffic(timers, now, keepaliveSeconds);
}

/** Any authenticated packet, a handshake or keepalive too, came. */
export function noteReceived(timers: Timers, now: number, keepaliveSeconds: number): void {
  timers.newHandshake = OFF;
  noteTraffic(timers, now, keepaliveSeconds);
}

export function noteInitiationSent(timers: Timers, now: number, spread: number): void {
  timers.retransmitHandshake = now + REKEY_TIMEOUT + spread;
  timers.forgetInitiations = now + INITIATION_LIFETIME;
}

/** An initiation was wanted sooner than REKEY_TIMEOUT after the handshake message sent at `sentAt`: it is made up for. */
export function noteInitiationDeferred(timers: Timers, sentAt: number, spread: number): void {
  timers.retransmitHandshake = sentAt + REKEY_TIMEOUT + spread;
}

export function noteHandshakeComplete(timers: Timers): void {
  timers.retransmitHandshake = OFF;
}

export function noteSessionDerived(timers: Timers, now: number): void {
  timers.zeroKeys = now + 3 * REJECT_AFTER_TIME;
}

/** The first timer that is due. */
export function firstTimer(timers: Timers): number {
  return Math.min(
    timers.retransmitHandshake,
    timers.keepalive,
    timers.newHandshake,
    timers.zeroKeys,
    timers.persistentKeepalive,
    timers.forgetInitiations,
  );
}

/** What the timer that is due at `at` is for. */
export function timerReason(timers: Timers, at: number): TimeoutReason {
  if (at === OFF) return 'none';
  if (timers.retransmitHandshake === at) return 'retransmit-handshake';
  if (timers.keepalive === at) return 'keepalive';
  if (timers.newHandshake === at) return 'new-handshake';
  if (timers.persistentKeepalive === at) return 'persistent-keepalive';
  if (timers.zeroKeys === at) return 'zero-keys';
  return 'forget-initiations';
}

function noteTraffic(timers: Timers, now: number, keepaliveSeconds: number): void {
  if (keepaliveSeconds > 0) timers.persistentKeepalive = now + keepaliveSeconds * 1000;
}
