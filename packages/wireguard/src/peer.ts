import { ENDPOINT } from '@pcloud/ip';
import { isZero } from './bytes.ts';
import { KEY_BYTES } from './constants.ts';
import type { DeviceContext, Identity } from './context.ts';
import type { CookieJar } from './cookie.ts';
import type { HasDeadline } from './deadlines.ts';
import type { Peer, PeerReason } from './device-api.ts';
import { WireGuardError } from './errors.ts';
import type { Keypairs } from './keypair.ts';
import type { RemoteKeys, SentInitiation } from './noise.ts';
import { peerReason } from './reason.ts';
import { createStagingQueue, type StagingQueue } from './staging.ts';
import { NO_STAMP } from './tai64n.ts';
import { createTimers, type Timers } from './timers.ts';

/** An initiation of ours in flight. */
export interface Initiation {
  readonly kind: 'initiation';
  readonly peer: PeerState;
  readonly localIndex: number;
  readonly state: SentInitiation;
  /** Our keys in it. */
  readonly ours: Identity;
  readonly sentAt: number;
}

/** What a device knows of a peer. The public face is `Peer`; the rest is for the modules of this package. */
export class PeerState implements Peer, RemoteKeys, HasDeadline {
  publicKey: Uint8Array;
  readonly presharedKey: Uint8Array = new Uint8Array(KEY_BYTES);
  staticSecret: Uint8Array | undefined;
  jar: CookieJar;
  /** Slot of its endpoint in the batch's table: another peer's as soon as this one is removed. */
  readonly endpointSlot: number;

  readonly keypairs: Keypairs = { previous: undefined, current: undefined, next: undefined };
  /** Oldest first, two at most. */
  readonly initiations: Initiation[] = [];
  /** The greatest timestamp seen in its initiations: 12 bytes. */
  readonly latestStamp: Uint8Array = new Uint8Array(12);
  /** The timestamp of our last initiation to it: 12 bytes. */
  readonly lastSentStamp: Uint8Array = NO_STAMP.slice();
  lastInitiationAt: number = Number.NEGATIVE_INFINITY;
  lastHandshakeSentAt: number = Number.NEGATIVE_INFINITY;
  handshakeAttempts = 0;
  /** The current session was already renewed on receiving, late in its life. */
  rekeyedOnReceive = false;

  readonly timers: Timers = createTimers();
  deadline: number = Number.POSITIVE_INFINITY;
  heapIndex = -1;

  readonly staged: StagingQueue = createStagingQueue();
  wantsKeepalive = false;
  keepaliveIntervalSeconds = 0;
  /** The interval went from off to on, and the first keepalive is still to be sent. */
  owesKeepalive = false;

  txBytes = 0;
  rxBytes = 0;
  lastHandshakeWallMs = 0;
  lastReceivedAt: number = Number.NEGATIVE_INFINITY;
  lastSourceCheckDropAt: number = Number.NEGATIVE_INFINITY;
  lastOldStampAt: number = Number.NEGATIVE_INFINITY;
  lastUnsealedResponseAt: number = Number.NEGATIVE_INFINITY;
  lastLoopDropAt: number = Number.NEGATIVE_INFINITY;
  hasGivenUp = false;
  isRemoved = false;

  private readonly context: DeviceContext;

  constructor(context: DeviceContext, publicKey: Uint8Array, jar: CookieJar, endpointSlot: number) {
    this.context = context;
    this.publicKey = publicKey;
    this.jar = jar;
    this.endpointSlot = endpointSlot;
  }

  get hasEndpoint(): boolean {
    return !this.isRemoved && this.context.batch.endpoints[this.endpointSlot * ENDPOINT.WORDS + ENDPOINT.FAMILY] !== 0;
  }

  get reason(): PeerReason {
    return peerReason(this, this.context);
  }

  copyPresharedKey(): Uint8Array | undefined {
    return isZero(this.presharedKey) ? undefined : this.presharedKey.slice();
  }

  setPresharedKey(key: Uint8Array | undefined): void {
    if (key !== undefined && key.length !== KEY_BYTES) {
      throw new WireGuardError('INVALID_KEY', `preshared key: expected ${KEY_BYTES} bytes, got ${key.length}`);
    }
    if (key === undefined || this.isRemoved) this.presharedKey.fill(0);
    else this.presharedKey.set(key);
  }

  copyEndpoint(): Int32Array | undefined {
    if (!this.hasEndpoint) return undefined;
    const at = this.endpointSlot * ENDPOINT.WORDS;
    return this.context.batch.endpoints.slice(at, at + ENDPOINT.WORDS);
  }

  setEndpoint(endpoint: Int32Array): void {
    if (this.isRemoved) return;
    const at = this.endpointSlot * ENDPOINT.WORDS;
    const { endpoints } = this.context.batch;
    endpoints.fill(0, at, at + ENDPOINT.WORDS);
    endpoints.set(endpoint.subarray(0, ENDPOINT.HAS_SOURCE), at);
    this.lastLoopDropAt = Number.NEGATIVE_INFINITY;
    this.hasGivenUp = false;
  }

  /** The address that packets to it leave from is forgotten. */
  clearSource(): void {
    this.context.batch.endpoints[this.endpointSlot * ENDPOINT.WORDS + ENDPOINT.HAS_SOURCE] = 0;
  }

  setKeepaliveInterval(seconds: number, now: number): void {
    if (this.keepaliveIntervalSeconds === 0 && seconds > 0) this.owesKeepalive = true;
    this.keepaliveIntervalSeconds = seconds;
    if (seconds === 0) {
      this.owesKeepalive = false;
      this.timers.persistentKeepalive = Number.POSITIVE_INFINITY;
    } else if (this.timers.persistentKeepalive !== Number.POSITIVE_INFINITY) {
      this.timers.persistentKeepalive = now + seconds * 1000;
    }
    this.context.schedule(this);
  }

  allowedIps(): Iterable<{ address: Uint8Array; length: number }> {
    return this.context.allowedIps.entries(this);
  }

  addAllowedIp(address: Uint8Array, length: number): void {
    if (!this.isRemoved) this.context.allowedIps.insert(address, length, this);
  }

  removeAllowedIp(address: Uint8Array, length: number): void {
    this.context.allowedIps.remove(address, length, this);
  }

  removeAllAllowedIps(): void {
    this.context.allowedIps.removeOwner(this);
  }

  start(now: number): void {
    this.context.startPeer(this, now);
  }
}
