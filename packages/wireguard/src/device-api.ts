import type { Batch } from './batch.ts';
import type { Crypto } from './crypto.ts';
import type { KeyStore } from './data-plane.ts';

/**
 * A WireGuard device as a state machine: it owns no socket, clock or randomness. Call a handler, then
 * drain `pollOutput` until it answers `timeout`; call `handleTimeout` at that moment at the latest.
 * `now` is milliseconds on a clock that never steps back and counts suspend (CLOCK_BOOTTIME).
 */
export interface Device {
  /** The 32-byte public key, or undefined while there is no private key. */
  readonly publicKey: Uint8Array | undefined;
  /** A copy of the clamped private key, or undefined. */
  copyPrivateKey(): Uint8Array | undefined;
  /** Sets or (undefined, or all zeros) clears the private key: sessions made with the old one end, a peer that has the new public key is removed. */
  setPrivateKey(privateKey: Uint8Array | undefined, now: number): void;
  /**
   * Sets another private key under which this device goes on: sessions last to their end, and handshakes are made by
   * the former key too until `forgetFormerKey`, since peers learn of the new one at different times.
   */
  replacePrivateKey(privateKey: Uint8Array, now: number): void;
  /** The key before `replacePrivateKey` is of no use any more. */
  forgetFormerKey(): void;

  /** Peers in the order they were added. */
  peers(): Iterable<Peer>;
  findPeer(publicKey: Uint8Array): Peer | undefined;
  /** Adds a peer (or returns the one there is). Undefined for our own key, which is silently ignored. @throws WireGuardError TOO_MANY_PEERS, INVALID_KEY */
  addPeer(publicKey: Uint8Array, now: number): Peer | undefined;
  /**
   * Where an initiation of this key came from within the last seconds while no peer had it, once. It proves the
   * key but not that it is new: good for sending an initiation of one's own there, and for nothing else.
   */
  takeStranger(publicKey: Uint8Array, now: number): Int32Array | undefined;
  /**
   * The peer of a key has another one and is the same otherwise: sessions last to their end, and where there is one a
   * handshake with the new key begins at once.
   * @returns false when there is no such peer, or the new key is our own or another peer's
   */
  replacePeerKey(publicKey: Uint8Array, by: Uint8Array, now: number): boolean;
  removePeer(publicKey: Uint8Array, now: number): void;
  removeAllPeers(now: number): void;

  /** Stamps given from now on are later than this one (12 bytes, TAI64N), which an earlier run reserved. */
  reserveStamps(stamp: Uint8Array): void;
  /** The greatest stamp used or reserved before (12 bytes), if any: what to keep, in place of a bound, once this device is of no more use. */
  copyLatestStamp(): Uint8Array | undefined;
  /** The interface is up: persistent keepalives start. */
  up(now: number): void;
  /** The interface is down: sessions and staged packets are dropped, keys zeroed. */
  down(now: number): void;
  readonly isUp: boolean;
  /** The interface's MTU, for padding. */
  setMtu(mtu: number): void;
  /** The machine slept or the clock jumped: sessions are expired and, where there was one in use, made anew at once. */
  handleResume(now: number): void;
  /** Cached sources are forgotten (routes, mark or port changed); they are learnt again from the next packet. */
  clearSources(): void;

  /** Decides the first `count` frames of the batch. */
  handleFrames(count: number, now: number): void;
  /** Notes what was sent of them. Call after `sealAndSend`. */
  handleSent(count: number, now: number): void;
  /** Takes handshake messages, and names keys for transport messages, of the first `count` datagrams. */
  handleDatagrams(count: number, now: number): void;
  /** Checks what was opened and decides what is delivered. Call after `open`. */
  handleOpened(count: number, now: number): void;
  handleTimeout(now: number): void;
  pollOutput(now: number): Output;

  /** Drops and other events by name; ever growing. */
  readonly counters: Readonly<Record<CounterName, number>>;
  /** Zeroes every key; the device is of no use afterwards. */
  destroy(): void;
}

/** What a device wants done, one at a time. */
export type Output =
  /** Send a handshake message. `endpoint` is a record of its own. */
  | { kind: 'transmit'; datagram: Uint8Array; endpoint: Int32Array; tos: number }
  /** `sealAndSend(count)` then `handleSent(count, now)`: staged packets and keepalives lie in the batch's frames. */
  | { kind: 'frames'; count: number }
  /** Write an IP packet (an ICMP error) to the TUN. */
  | { kind: 'inject'; packet: Uint8Array }
  /** Handshake stamps up to this one (12 bytes, TAI64N) may be used from now on: keep it on disk for the next start. */
  | { kind: 'stamp'; reserved: Uint8Array }
  | { kind: 'event'; event: DeviceEvent; peer: Peer }
  /** Nothing more to do until then (`Infinity`: until the next input). The reason is for logs. */
  | { kind: 'timeout'; at: number; reason: TimeoutReason };

/**
 * `handshake-retry`: an initiation stayed unanswered for 5 s; `handshake-failed`: given up after 90 s;
 * `stamp-ahead`: an initiation has a stamp of more than a day after the wall clock.
 */
export type DeviceEvent = 'handshake-complete' | 'handshake-retry' | 'handshake-failed' | 'roamed' | 'stamp-ahead';

export type TimeoutReason =
  | 'retransmit-handshake'
  | 'keepalive'
  | 'new-handshake'
  | 'zero-keys'
  | 'persistent-keepalive'
  | 'forget-initiations'
  | 'none';

/** Why a peer is or is not reachable, in one word; `status` has the plain sentence for each. */
export type PeerReason =
  | 'connected'
  | 'idle'
  | 'handshaking'
  | 'no-endpoint'
  | 'no-reply'
  | 'no-private-key'
  | 'bad-key'
  | 'clock-behind'
  | 'source-check'
  | 'endpoint-loop'
  | 'psk-mismatch'
  | 'down';

export interface Peer {
  readonly publicKey: Uint8Array;
  /** Its endpoint's slot in the batch, which names it there; another peer's as soon as this one is removed. */
  readonly endpointSlot: number;
  /** A copy; undefined when there is none. */
  copyPresharedKey(): Uint8Array | undefined;
  /** 32 bytes, or undefined / all zeros to clear. Used from the next handshake on. */
  setPresharedKey(key: Uint8Array | undefined): void;
  /** A copy of the endpoint record, or undefined while there is none. */
  copyEndpoint(): Int32Array | undefined;
  /** Takes a copy of the record; the cached source is dropped. */
  setEndpoint(endpoint: Int32Array): void;
  readonly keepaliveIntervalSeconds: number;
  /** 0 is off. From off to on, one is sent at once if the device is up. */
  setKeepaliveInterval(seconds: number, now: number): void;
  /** Prefixes in order: `address` 4 or 16 bytes, host bits zero. */
  allowedIps(): Iterable<{ address: Uint8Array; length: number }>;
  /** Inserts a prefix; one that another peer has moves here. */
  addAllowedIp(address: Uint8Array, length: number): void;
  /** Removes exactly this prefix if this peer has it. */
  removeAllowedIp(address: Uint8Array, length: number): void;
  removeAllAllowedIps(): void;
  /** Sends what waits and starts a keepalive: call once a configuration section for this peer is complete. */
  start(now: number): void;

  /** UDP payload bytes sent. */
  readonly txBytes: number;
  /** Authenticated UDP payload bytes received. */
  readonly rxBytes: number;
  /** Wall clock of the last complete handshake, milliseconds; 0 for never. */
  readonly lastHandshakeWallMs: number;
  readonly reason: PeerReason;
}

export interface DeviceDeps {
  readonly crypto: Crypto;
  readonly keys: KeyStore;
  readonly batch: Batch;
  /** Fills with unpredictable bytes. */
  readonly random: (out: Uint8Array) => void;
  /** Wall clock, milliseconds since 1970. */
  readonly wallMs: () => number;
}

export interface DeviceOptions {
  /** The last stamp reserved by an earlier run (12 bytes), so that stamps only ever grow. */
  readonly reservedStamp?: Uint8Array;
  /** Handshakes a second that may cost cryptography before cookies are asked for. Default 250, what a quarter of a core does in noble. */
  readonly handshakesPerSecond?: number;
  /** MTU of the interface, bytes. Default 1420. */
  readonly mtu?: number;
}

/** Counters of a device. Drops end in `-dropped`. */
export type CounterName =
  | 'short-dropped'
  | 'unknown-type-dropped'
  | 'wrong-length-dropped'
  | 'bad-mac1-dropped'
  | 'bad-mac2-dropped'
  | 'rate-limited-dropped'
  | 'bad-handshake-dropped'
  | 'unknown-peer-dropped'
  | 'replayed-handshake-dropped'
  | 'flooding-handshake-dropped'
  | 'bad-cookie-dropped'
  | 'unknown-index-dropped'
  | 'expired-key-dropped'
  | 'bad-tag-dropped'
  | 'replayed-dropped'
  | 'bad-length-dropped'
  | 'source-check-dropped'
  | 'ecn-dropped'
  | 'not-ip-dropped'
  | 'no-route-dropped'
  | 'no-endpoint-dropped'
  | 'loop-dropped'
  | 'staged-dropped'
  | 'cookies-sent'
  | 'initiations-sent'
  | 'stamps-ahead'
  | 'initiations-received'
  | 'responses-sent'
  | 'responses-received'
  | 'cookies-received'
  | 'keepalives-sent'
  | 'keepalives-received';
