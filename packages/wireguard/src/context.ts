import type { Admission } from './admission.ts';
import type { AllowedIps } from './allowed-ips.ts';
import type { Batch } from './batch.ts';
import type { CookieChecker } from './cookie.ts';
import type { Crypto } from './crypto.ts';
import type { KeyStore } from './data-plane.ts';
import type { Deadlines } from './deadlines.ts';
import type { CounterName, DeviceEvent, Output } from './device-api.ts';
import type { IndexTable } from './index-table.ts';
import type { Keypair } from './keypair.ts';
import type { StaticKeys } from './noise.ts';
import type { Initiation, PeerState } from './peer.ts';
import type { Staging } from './staging.ts';
import type { Strangers } from './strangers.ts';
import type { StampClock } from './tai64n.ts';
import type { TokenBucket } from './token-bucket.ts';

/** Our keys, and what follows from them. */
export interface Identity extends StaticKeys {
  readonly checker: CookieChecker;
}

/** What the modules of a device share. One owner, no locks. */
export interface DeviceContext {
  readonly crypto: Crypto;
  readonly keys: KeyStore;
  readonly batch: Batch;
  readonly random: (out: Uint8Array) => void;
  readonly wallMs: () => number;

  readonly counters: Record<CounterName, number>;
  readonly indices: IndexTable<Keypair | Initiation>;
  /** Sessions by the receiver index that their messages carry; of two peers' that are equal, the later. */
  readonly remoteIndices: Map<number, Keypair>;
  readonly allowedIps: AllowedIps<PeerState>;
  readonly deadlines: Deadlines<PeerState>;
  readonly staging: Staging;
  readonly stamps: StampClock;
  readonly admission: Admission;
  readonly strangers: Strangers;
  readonly icmpBudget: TokenBucket;
  readonly outputs: Output[];
  /** Peers that have a staged packet or a keepalive to send. */
  readonly ready: Set<PeerState>;
  /** Whose each frame of the batch is, while a turn lasts. */
  readonly frameOwners: (PeerState | undefined)[];
  /** With which keys each datagram of the batch is opened, while a turn lasts. */
  readonly datagramKeypairs: (Keypair | undefined)[];

  identity: Identity | undefined;
  /** The one before, while peers may not know of the present one. */
  formerIdentity: Identity | undefined;
  isUp: boolean;
  mtu: number;
  /** The last `now` that any handler was given. */
  latestNow: number;

  findPeer(publicKey: Uint8Array): PeerState | undefined;
  startPeer(peer: PeerState, now: number): void;
  /** Enters the peer's first timer among the deadlines. */
  schedule(peer: PeerState): void;
  emit(event: DeviceEvent, peer: PeerState): void;
  takeKeySlot(): number;
  /** Frees a session's index and, once this turn is over, its keys. */
  retire(keypair: Keypair | undefined): void;
  /** A random 32-bit word. */
  randomWord(): number;
}
