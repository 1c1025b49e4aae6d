import type { Network } from './network.ts';
import type { Plane, PlaneOptions } from './plane.ts';

/** What `coalesceForTest` would write to the TUN in one call: the virtio-net header, and the packet. */
export interface CoalescedWrite {
  readonly flags: number;
  readonly gsoType: number;
  readonly headerLength: number;
  readonly gsoSize: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
  readonly bytes: Uint8Array;
}

/** The slab as the addon was compiled for it: the same names and numbers as in `@pcloud/wireguard`. */
export interface AddonLayout {
  readonly LAYOUT: Readonly<Record<string, number>>;
  readonly FRAME: Readonly<Record<string, number>>;
  readonly DATAGRAM: Readonly<Record<string, number>>;
  readonly ENDPOINT: Readonly<Record<string, number>>;
  readonly REGIONS: Readonly<Record<string, number>>;
  readonly SLAB_BYTES: number;
}

/** The addon: mechanism only, every decision is made in TypeScript. Linux. */
export interface Addon extends Network {
  readonly layout: AddonLayout;

  createPlane(options?: PlaneOptions): Plane;

  /** Milliseconds of CLOCK_BOOTTIME: never steps back and counts suspend. */
  bootTimeMs(): number;
  /** Calls back when the wall clock was set or the machine resumed, until the function it returns is called. Does not keep the process alive. */
  watchClock(callback: () => void): () => void;
  /** Who is at the other end of a connected Unix socket. */
  peerCredentials(fd: number): { readonly pid: number; readonly uid: number; readonly gid: number };

  /** ChaCha20-Poly1305 of this machine that passed its self-check, fastest first: of `ipsec-mb`, `evp`. */
  aeadNames(): string[];
  /** Ciphertext and tag, sealed by one of `aeadNames()` under a 64-bit counter in two unsigned halves. */
  sealOnce(name: string, key: Uint8Array, counterLow: number, counterHigh: number, plaintext: Uint8Array): Uint8Array;
  /** The plaintext, or undefined when it does not verify. */
  openOnce(
    name: string,
    key: Uint8Array,
    counterLow: number,
    counterHigh: number,
    ciphertext: Uint8Array,
  ): Uint8Array | undefined;

  /** The packets that `sealAndSend` makes of one frame; none when it is not what it says. */
  segmentForTest(
    packet: Uint8Array,
    frame: {
      readonly gsoType?: number;
      readonly gsoSize?: number;
      readonly checksumStart?: number;
      readonly checksumOffset?: number;
    },
  ): Uint8Array[];
  /** What `tunSend` writes for these packets, at most 512. */
  coalesceForTest(
    packets: readonly Uint8Array[],
    options: { readonly tcp: boolean; readonly udp: boolean },
  ): CoalescedWrite[];
}
