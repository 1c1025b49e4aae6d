/** What a peer's timers do when they are due: whitepaper 6. */
import { MAX_HANDSHAKE_RETRIES, REJECT_AFTER_TIME } from './constants.ts';
import type { DeviceContext } from './context.ts';
import { expireInitiations, forgetInitiations, initiateHandshake } from './handshakes.ts';
import type { PeerState } from './peer.ts';
import { stopTimers } from './timers.ts';

const OFF = Number.POSITIVE_INFINITY;

/** Runs every timer of the peer that is due. */
export function expireTimers(context: DeviceContext, peer: PeerState, now: number): void {
  const { timers } = peer;
  if (timers.forgetInitiations <= now) expireInitiations(context, peer, now);
  if (timers.zeroKeys <= now) {
    timers.zeroKeys = OFF;
    endSessions(context, peer);
  }
  if (timers.retransmitHandshake <= now) retransmitHandshake(context, peer, now);
  if (timers.newHandshake <= now) {
    timers.newHandshake = OFF;
    peer.clearSource();
    initiateHandshake(context, peer, now, false);
  }
  if (timers.keepalive <= now) {
    timers.keepalive = OFF;
    queueKeepalive(context, peer);
  }
  if (timers.persistentKeepalive <= now) {
    timers.persistentKeepalive = OFF;
    if (peer.keepaliveIntervalSeconds > 0) queueKeepalive(context, peer);
  }
  context.schedule(peer);
}

/** Something is to be sent to the peer: what waits, or else a keepalive. */
export function queueKeepalive(context: DeviceContext, peer: PeerState): void {
  peer.wantsKeepalive = true;
  context.ready.add(peer);
}

/** Ends and wipes all sessions and handshakes of the peer. */
export function dropSessions(context: DeviceContext, peer: PeerState): void {
  endSessions(context, peer);
  forgetInitiations(context, peer, OFF);
}

// A handshake in flight has its own end, and may just be making the next session.
function endSessions(context: DeviceContext, peer: PeerState): void {
  const { keypairs } = peer;
  context.retire(keypairs.previous);
  context.retire(keypairs.current);
  context.retire(keypairs.next);
  keypairs.previous = undefined;
  keypairs.current = undefined;
  keypairs.next = undefined;
}

/** Ends everything that goes on with the peer: sessions, timers, what waits. */
export function stopPeer(context: DeviceContext, peer: PeerState): void {
  dropSessions(context, peer);
  context.counters['staged-dropped'] += context.staging.clear(peer.staged);
  context.ready.delete(peer);
  peer.wantsKeepalive = false;
  peer.lastHandshakeSentAt = Number.NEGATIVE_INFINITY;
  peer.lastLoopDropAt = Number.NEGATIVE_INFINITY;
  peer.hasGivenUp = false;
  stopTimers(peer.timers);
  context.schedule(peer);
}

function retransmitHandshake(context: DeviceContext, peer: PeerState, now: number): void {
  const { timers } = peer;
  timers.retransmitHandshake = OFF;
  if (peer.handshakeAttempts > MAX_HANDSHAKE_RETRIES) {
    timers.keepalive = OFF;
    timers.needsAnotherKeepalive = false;
    context.counters['staged-dropped'] += context.staging.clear(peer.staged);
    if (timers.zeroKeys === OFF) timers.zeroKeys = now + 3 * REJECT_AFTER_TIME;
    peer.hasGivenUp = true;
    context.emit('handshake-failed', peer);
    return;
  }
  peer.clearSource();
  if (!initiateHandshake(context, peer, now, true)) return;
  peer.handshakeAttempts += 1;
  context.emit('handshake-retry', peer);
}
