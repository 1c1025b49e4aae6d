import type { Batch } from './batch.ts';

/**
 * The hands of a device: moves batches between TUN and UDP and does the cryptography on them, deciding
 * nothing. The addon is one; `packages/daemon` composes another of dgram and a crypto provider.
 *
 * A turn from the TUN: `count = tunReceive()`, the device fills in its decisions, `sealAndSend(count)`.
 * A turn from the network: `count = udpReceive()`, the device names keys, `open(count)`, the device
 * checks what came out, `tunSend(count)`. Descriptors are only valid within their turn.
 */
export interface DataPlane extends KeyStore {
  readonly batch: Batch;
  /** Reads packets into frame descriptors; 0 when there are none. */
  tunReceive(): number;
  /** Segments, pads, seals and sends the first `count` frames, and notes the bytes sent in each. */
  sealAndSend(count: number): void;
  /** Receives datagrams into their descriptors; 0 when there are none. */
  udpReceive(): number;
  /** Opens in place the datagrams that have a key. */
  open(count: number): void;
  /** Writes the datagrams that are to be delivered to the TUN, coalesced where the kernel takes it. */
  tunSend(count: number): void;
  /** Sends one datagram, as handshakes are, to an endpoint record. */
  transmit(datagram: Uint8Array, endpoint: Int32Array, tos: number): void;
  /** Writes one IP packet to the TUN. */
  inject(packet: Uint8Array): void;
}

/** Where transport keys live: slots that descriptors name. */
export interface KeyStore {
  /** Takes a copy of a 32-byte key into a slot, zeroing what was there. */
  installKey(slot: number, key: Uint8Array): void;
  /** Zeroes a slot's key. */
  removeKey(slot: number): void;
}
