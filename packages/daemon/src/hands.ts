import type { Batch, Crypto, DataPlane } from '@pcloud/wireguard';
import type { Clock } from './clock.ts';
import type { WatchLink } from './link-watch.ts';
import type { Bind, TunDevice } from './seams.ts';

/** What 1500 bytes on the wire leave for a packet, IPv6 outside. */
export const DEFAULT_MTU = 1_420;

/** How a tunnel's work is to be done; `undefined` leaves the choice to what the machine offers. */
export interface HandsOptions {
  /** Of the interface. */
  readonly name: string;
  /** The provider of cryptography; the fastest that passes its checks when it is not given. */
  readonly crypto: 'noble' | 'node' | 'native' | undefined;
  /** Who has the UDP sockets; the addon where there is one. */
  readonly bind: 'native' | 'dgram' | undefined;
  /** Whether the kernel may hand over many packets as one. */
  readonly offload: boolean;
  /** What the addon seals packets with. */
  readonly aead: 'evp' | 'ipsec-mb' | undefined;
  /** A TUN that was handed over, to be used in place of one of our own. */
  readonly tunDescriptor: number | undefined;
  /** The interface outlives this process, and is taken over by the next one. Default false. */
  readonly persist?: boolean;
}

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
