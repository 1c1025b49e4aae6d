import type { Batch, Crypto, DataPlane } from '@pcloud/wireguard';
import type { Clock } from './clock.ts';
import type { WatchLink } from './link-watch.ts';
import type { Bind, TunDevice } from './seams.ts';

/** What 1500 bytes on the wire leave for a packet, IPv6 outside. */
export const DEFAULT_MTU = 1_420;

/** Everything a tunnel does its work with: made once at the start, by what the machine offers. */
export interface Hands {
  readonly tun: TunDevice;
  readonly bind: Bind;
  readonly plane: DataPlane;
  readonly batch: Batch;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly watchLink: WatchLink;
  /** The index of an interface, 0 when there is none. */
  readonly interfaceIndex: (name: string) => number;
  /** MTU of the interface now, bytes. */
  readonly mtu: number;
  readonly dataPlane: 'native' | 'portable';
  readonly bindName: 'native' | 'dgram';
  /** What the kernel offers, by name. */
  readonly features: () => Readonly<Record<string, boolean | string>>;
  /** Drops outside of the protocol, by name. */
  readonly counters: () => Readonly<Record<string, number>>;
  /** Frees what is left once TUN and sockets are closed. */
  readonly close: () => void;
}
