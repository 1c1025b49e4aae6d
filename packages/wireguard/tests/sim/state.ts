/** All that a datagram must not change when it is refused, as data to compare. */
import type { PeerState } from '../../src/peer.ts';
import type { SimHost } from './network.ts';
import { contextOf } from './session.ts';

export function stateSnapshot(host: SimHost, peer: PeerState): unknown {
  const context = contextOf(peer);
  const { previous, current, next } = peer.keypairs;
  return {
    endpoint: peer.copyEndpoint(),
    sessions: [previous, current, next].map(
      (keypair) => keypair && [keypair.localIndex, keypair.sendLow, keypair.sendHigh],
    ),
    initiations: peer.initiations.map(({ localIndex, sentAt, state }) => [
      localIndex,
      sentAt,
      state.hash.slice(),
      state.chainingKey.slice(),
    ]),
    timers: { ...peer.timers },
    deadline: peer.deadline,
    handshakes: [peer.lastHandshakeSentAt, peer.lastInitiationAt, peer.handshakeAttempts, peer.lastReceivedAt],
    latestStamp: peer.latestStamp.slice(),
    bytes: [peer.txBytes, peer.rxBytes],
    waits: [peer.staged.packets, peer.wantsKeepalive],
    indices: context.indices.size,
    keys: [...host.plane.keys.keys()],
    delivered: host.plane.delivered.length,
    wake: host.wake,
  };
}
