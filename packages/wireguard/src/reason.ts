import { KEEPALIVE_TIMEOUT, REJECT_AFTER_TIME, REKEY_TIMEOUT } from './constants.ts';
import type { DeviceContext } from './context.ts';
import type { PeerReason } from './device-api.ts';
import { isFresh } from './keypair.ts';
import type { PeerState } from './peer.ts';

/** How long a finding is still worth naming. */
const RECENT = REJECT_AFTER_TIME;

/** Why a peer is or is not reachable, from what was seen last. */
export function peerReason(peer: PeerState, context: DeviceContext): PeerReason {
  const now = context.latestNow;
  if (!context.isUp) return 'down';
  if (context.identity === undefined) return 'no-private-key';
  if (peer.staticSecret === undefined) return 'bad-key';

  const { current } = peer.keypairs;
  const answersLate = now - peer.lastReceivedAt > KEEPALIVE_TIMEOUT + REKEY_TIMEOUT;
  const isHandshaking = peer.timers.retransmitHandshake !== Number.POSITIVE_INFINITY;
  const hasSession = current !== undefined && isFresh(current, now);
  if (hasSession && !(isHandshaking && answersLate)) {
    return now - peer.lastSourceCheckDropAt < RECENT ? 'source-check' : 'connected';
  }
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
