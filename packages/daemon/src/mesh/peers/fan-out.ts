import type { DataPlane } from '@pcloud/wireguard';
import type { Clock } from '../../clock.ts';

/** The first byte of a message that opens a session: whitepaper 5.4.2. */
const INITIATION = 1;

/**
 * A plane that sends what opens a session to every place where the peer may be. All copies are one message,
 * which a peer takes once; the answer comes back the way that the first of them took, and is the session's.
 * @param copiesFor where else an initiation to this endpoint goes
 */
export function withFanOut(
  plane: DataPlane,
  copiesFor: (endpoint: Int32Array, now: number) => readonly Int32Array[],
  clock: Pick<Clock, 'now'>,
): DataPlane {
  return {
    ...plane,
    transmit(datagram, endpoint, tos) {
      plane.transmit(datagram, endpoint, tos);
      if (datagram[0] !== INITIATION) return;
      for (const copy of copiesFor(endpoint, clock.now())) plane.transmit(datagram, copy, tos);
    },
  };
}
