import type { PeerReason } from '@pcloud/wireguard';

/** What a peer's state means, and what to do about it. */
export const PEER_REASONS: Readonly<Record<PeerReason, string>> = {
  connected: 'Connected.',
  idle: 'Idle: there is no session now; the next packet to this peer makes one.',
  handshaking: 'Connecting: a handshake is under way.',
  'no-endpoint': 'No endpoint: set one with "wg set", or wait until the peer makes contact from its side.',
  'no-reply':
    'No reply: check that its endpoint is right, that its UDP port is reachable through firewalls, and that it lists the public key of this interface.',
  'no-private-key': 'No private key: this interface needs one; set it with "wg set IFNAME private-key FILE".',
  'bad-key': 'Bad key: the public key of this peer is not usable; get the right one from it.',
  'clock-behind':
    'Clock behind: the peer takes our handshakes for old ones; set the clock of this machine, or restart the interface of the peer.',
  'source-check':
    'Source refused: the peer sends from addresses that are not in its allowed IPs here; add them, or correct the addresses it uses.',
  'endpoint-loop':
    'Endpoint in a loop: a route of this machine leads packets for the endpoint of the peer back into this interface; take that route away, or route the endpoint past the interface.',
  'psk-mismatch': 'Preshared keys differ: set the same preshared key on both sides.',
  down: 'Down: the interface is down; bring it up with "ip link set up dev IFNAME".',
};
