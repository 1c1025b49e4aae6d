import { KEEPALIVE_TIMEOUT, REJECT_AFTER_TIME, REKEY_TIMEOUT } from './constants.ts';
import type { DeviceContext } from './context.ts';
import type { PeerReason } from './device-api.ts';
import { isFresh } from './keypair.ts';
import type { PeerState } from './peer.ts';

/** How long a finding is still worth naming. */
const RECENT = REJECT_AFTER_TIME;
/** An answer is missed after this long (whitepaper 6.5), and a loop is over in a session that works. */
const LATE = KEEPALIVE_TIMEOUT + REKEY_TIMEOUT;

/** Why a peer is or is not reachable, from what was seen last. */
export function peerReason(peer: PeerState, context: DeviceContext): PeerReason {
  const now = context.latestNow;
  if (!context.isUp) return 'down';
  if (context.identity === undefined) return 'no-private-key';
  if (peer.staticSecret === undefined) return 'bad-key';

  const { current } = peer.keypairs;
  const answersLate = now - peer.lastReceivedAt > LATE;
  const isHandshaking = peer.timers.retransmitHandshake !== Number.POSITIVE_INFINITY;
  const hasSession = current !== undefined && isFresh(current, now);
  if (hasSession && !(isHandshaking && answersLate)) {
    if (now - peer.lastLoopDropAt < LATE) return 'endpoint-loop';
    return now - peer.lastSourceCheckDropAt < RECENT ? 'source-check' : 'connected';
  }
  if (now - peer.lastLoopDropAt < RECENT) return 'endpoint-loop';
  if (now - peer.lastOldStampAt < RECENT) return 'clock-behind';
  if (now - peer.lastUnsealedResponseAt < RECENT) return 'psk-mismatch';
  if (!peer.hasEndpoint) return 'no-endpoint';
  if (peer.hasGivenUp) return 'no-reply';
  if (isHandshaking) return isUnanswered(peer, now) ? 'no-reply' : 'handshaking';
  return 'idle';
}

/** Whether an initiation was repeated: by the timer, or under traffic by a packet. */
function isUnanswered({ handshakeAttempts, initiations }: PeerState, now: number): boolean {
  const [oldest] = initiations;
  return handshakeAttempts > 0 || (oldest !== undefined && now - oldest.sentAt >= REKEY_TIMEOUT);
}
