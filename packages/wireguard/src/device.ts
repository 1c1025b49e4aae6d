import { ENDPOINT } from '@pcloud/ip';
import { createAdmission } from './admission.ts';
import { createAllowedIps } from './allowed-ips.ts';
import { LAYOUT } from './batch.ts';
import { equalBytes, isZero } from './bytes.ts';
import { DEFAULT_MTU, KEY_BYTES, MAX_PEERS } from './constants.ts';
import type { DeviceContext, Identity } from './context.ts';
import { createCookieChecker, createCookieJar } from './cookie.ts';
import { createCounters } from './counters.ts';
import { createDeadlines } from './deadlines.ts';
import type { Device, DeviceDeps, DeviceOptions, Output, Peer } from './device-api.ts';
import { WireGuardError } from './errors.ts';
import { dropSessions, expireTimers, queueKeepalive, stopPeer } from './expiry.ts';
import { forgetInitiations, initiateHandshake } from './handshakes.ts';
import { handleDatagrams, handleOpened } from './inbound.ts';
import { createIndexTable } from './index-table.ts';
import { createKeySlots } from './key-slots.ts';
import { expireForSending, type Keypair } from './keypair.ts';
import { clampPrivateKey, computeStaticSecret } from './noise.ts';
import { fillFrames, handleFrames, handleSent } from './outbound.ts';
import { type Initiation, PeerState } from './peer.ts';
import { createStaging } from './staging.ts';
import { createStrangers } from './strangers.ts';
import { createStampClock } from './tai64n.ts';
import { firstTimer, timerReason } from './timers.ts';
import { createTokenBucket } from './token-bucket.ts';

/** Packets that wait for a session, each peer and all together. */
const STAGING_LIMITS = { perPeer: 128, total: 4096 } as const;
/** ICMP errors a second. */
const ICMP_PER_SECOND = 100;
const DEFAULT_HANDSHAKES_PER_SECOND = 250;

/** A device without keys and peers, down. See `Device` for how it is driven. */
export function createDevice(options: DeviceOptions, deps: DeviceDeps): Device {
  const peers = new Map<string, PeerState>();
  const freeEndpointSlots: number[] = [];
  let nextEndpointSlot: number = LAYOUT.PEER_ENDPOINTS;
  const keySlots = createKeySlots(deps.keys);
  const word = new Uint32Array(1);
  const wordBytes = new Uint8Array(word.buffer);
  const randomWord = (): number => {
    deps.random(wordBytes);
    return word[0]!;
  };

  const context: DeviceContext = {
    ...deps,
    counters: createCounters(),
    indices: createIndexTable<Keypair | Initiation>(randomWord),
    remoteIndices: new Map(),
    allowedIps: createAllowedIps<PeerState>(),
    deadlines: createDeadlines<PeerState>(),
    staging: createStaging(STAGING_LIMITS),
    stamps: createStampClock(options.reservedStamp === undefined ? {} : { reserved: options.reservedStamp }),
    admission: createAdmission(options.handshakesPerSecond ?? DEFAULT_HANDSHAKES_PER_SECOND),
    strangers: createStrangers(),
    icmpBudget: createTokenBucket(ICMP_PER_SECOND, ICMP_PER_SECOND),
    outputs: [],
    ready: new Set(),
    frameOwners: new Array(LAYOUT.TUN_SLOTS).fill(undefined),
    datagramKeypairs: new Array(LAYOUT.DATAGRAMS).fill(undefined),
    identity: undefined,
    formerIdentity: undefined,
    isUp: false,
    mtu: options.mtu ?? DEFAULT_MTU,
    latestNow: Number.NEGATIVE_INFINITY,
    findPeer: (publicKey) => peers.get(keyName(publicKey)),
    startPeer,
    schedule: (peer) => context.deadlines.set(peer, firstTimer(peer.timers)),
    emit: (event, peer) => context.outputs.push({ kind: 'event', event, peer }),
    takeKeySlot: keySlots.take,
    retire(keypair) {
      if (keypair === undefined) return;
      context.indices.delete(keypair.localIndex);
      if (context.remoteIndices.get(keypair.remoteIndex) === keypair) context.remoteIndices.delete(keypair.remoteIndex);
      keySlots.retire(keypair.sendKey);
      keySlots.retire(keypair.receiveKey);
    },
    randomWord,
  };

  function startPeer(peer: PeerState, now: number): void {
    if (!context.isUp || peer.isRemoved) return;
    context.latestNow = now;
    if (peer.owesKeepalive && context.identity !== undefined && peer.hasEndpoint) {
      peer.owesKeepalive = false;
      queueKeepalive(context, peer);
    }
    if (peer.staged.packets > 0) context.ready.add(peer);
  }

  function startKeepalives(now: number): void {
    for (const peer of peers.values()) {
      peer.owesKeepalive = peer.keepaliveIntervalSeconds > 0;
      startPeer(peer, now);
    }
  }

  function remove(peer: PeerState): void {
    stopPeer(context, peer);
    peers.delete(keyName(peer.publicKey));
    context.allowedIps.removeOwner(peer);
    peer.isRemoved = true;
    // Were it added again, it would have to be given greater ones.
    context.stamps.reserve(peer.lastSentStamp);
    peer.presharedKey.fill(0);
    peer.staticSecret?.fill(0);
    peer.jar.destroy();
    const at = peer.endpointSlot * ENDPOINT.WORDS;
    deps.batch.endpoints.fill(0, at, at + ENDPOINT.WORDS);
    freeEndpointSlots.push(peer.endpointSlot);
    for (let index = 0; index < context.frameOwners.length; index++) {
      if (context.frameOwners[index] === peer) context.frameOwners[index] = undefined;
    }
  }

  function endIdentity(identity: Identity | undefined): void {
    identity?.privateKey.fill(0);
    identity?.checker.destroy();
  }

  function clearIdentity(): void {
    endIdentity(context.identity);
    endIdentity(context.formerIdentity);
    context.identity = undefined;
    context.formerIdentity = undefined;
    for (const peer of peers.values()) {
      peer.staticSecret?.fill(0);
      peer.staticSecret = undefined;
      dropHandshakes(peer);
    }
  }

  // Nothing more is sent under sessions of the old key, and a handshake may start at once.
  function dropHandshakes(peer: PeerState): void {
    expireForSending(peer.keypairs.current);
    expireForSending(peer.keypairs.next);
    peer.lastHandshakeSentAt = Number.NEGATIVE_INFINITY;
    forgetInitiations(context, peer, Number.POSITIVE_INFINITY);
  }

  function becomeIdentity(privateKey: Uint8Array): void {
    const publicKey = deps.crypto.publicKey(privateKey);
    const ourselves = context.findPeer(publicKey);
    if (ourselves !== undefined) remove(ourselves);
    const checker = createCookieChecker(deps.crypto, publicKey, deps.random);
    context.identity = { privateKey, publicKey, checker };
    for (const peer of peers.values()) {
      peer.staticSecret = computeStaticSecret(deps.crypto, privateKey, peer.publicKey);
    }
  }

  // What goes on under the old keys goes on, until there is a session of the new ones.
  function renewSession(peer: PeerState, now: number): void {
    forgetInitiations(context, peer, Number.POSITIVE_INFINITY);
    peer.lastHandshakeSentAt = Number.NEGATIVE_INFINITY;
    if (peer.keypairs.current !== undefined) initiateHandshake(context, peer, now, false);
    context.schedule(peer);
  }

  return {
    counters: context.counters,
    get publicKey() {
      return context.identity?.publicKey;
    },
    get isUp() {
      return context.isUp;
    },
    copyPrivateKey: () => context.identity?.privateKey.slice(),

    setPrivateKey(privateKey, now) {
      context.latestNow = now;
      if (privateKey !== undefined) checkKey('private key', privateKey);
      if (privateKey === undefined || isZero(privateKey)) {
        clearIdentity();
        return;
      }
      // Of a Node Buffer `slice` would be the caller's own memory.
      const clamped = Uint8Array.from(privateKey);
      clampPrivateKey(clamped);
      if (context.identity !== undefined && equalBytes(context.identity.privateKey, clamped)) {
        clamped.fill(0);
        return;
      }
      clearIdentity();
      becomeIdentity(clamped);
      if (context.isUp) startKeepalives(now);
    },

    replacePrivateKey(privateKey, now) {
      context.latestNow = now;
      checkKey('private key', privateKey);
      const clamped = privateKey.slice();
      clampPrivateKey(clamped);
      if (context.identity !== undefined && equalBytes(context.identity.privateKey, clamped)) {
        clamped.fill(0);
        return;
      }
      endIdentity(context.formerIdentity);
      context.formerIdentity = context.identity;
      for (const peer of peers.values()) peer.staticSecret?.fill(0);
      becomeIdentity(clamped);
      for (const peer of peers.values()) renewSession(peer, now);
    },

    forgetFormerKey() {
      for (const peer of peers.values()) {
        if (peer.initiations.some(({ ours }) => ours === context.formerIdentity)) {
          forgetInitiations(context, peer, Number.POSITIVE_INFINITY);
        }
      }
      endIdentity(context.formerIdentity);
      context.formerIdentity = undefined;
    },

    reserveStamps: (stamp) => context.stamps.reserve(stamp),
    copyLatestStamp: () => context.stamps.latest(),
    peers: () => peers.values(),
    findPeer: context.findPeer,

    addPeer(publicKey, now): Peer | undefined {
      checkKey('public key', publicKey);
      context.latestNow = now;
      const name = keyName(publicKey);
      const known = peers.get(name);
      if (known !== undefined) return known;
      const { identity } = context;
      if (identity !== undefined && equalBytes(identity.publicKey, publicKey)) return undefined;
      if (peers.size >= MAX_PEERS) throw new WireGuardError('TOO_MANY_PEERS', `peers: expected ${MAX_PEERS} at most`);
      const key = Uint8Array.from(publicKey);
      const peer = new PeerState(
        context,
        key,
        createCookieJar(deps.crypto, key),
        freeEndpointSlots.pop() ?? nextEndpointSlot++,
      );
      if (identity !== undefined) peer.staticSecret = computeStaticSecret(deps.crypto, identity.privateKey, key);
      peers.set(name, peer);
      return peer;
    },

    takeStranger: (publicKey, now) => context.strangers.take(publicKey, now),
    replacePeerKey(publicKey, by, now) {
      checkKey('public key', by);
      context.latestNow = now;
      const peer = context.findPeer(publicKey);
      const { identity } = context;
      const isOwn = identity !== undefined && equalBytes(identity.publicKey, by);
      if (peer === undefined || isOwn || context.findPeer(by) !== undefined) return false;
      peers.delete(keyName(publicKey));
      peers.set(keyName(by), peer);
      peer.publicKey = by.slice();
      peer.jar.destroy();
      peer.jar = createCookieJar(deps.crypto, peer.publicKey);
      peer.staticSecret?.fill(0);
      peer.staticSecret = identity && computeStaticSecret(deps.crypto, identity.privateKey, peer.publicKey);
      renewSession(peer, now);
      return true;
    },

    removePeer(publicKey, now) {
      context.latestNow = now;
      const peer = context.findPeer(publicKey);
      if (peer !== undefined) remove(peer);
    },

    removeAllPeers(now) {
      context.latestNow = now;
      for (const peer of [...peers.values()]) remove(peer);
    },

    up(now) {
      context.latestNow = now;
      if (context.isUp) return;
      context.isUp = true;
      startKeepalives(now);
    },

    down(now) {
      context.latestNow = now;
      context.isUp = false;
      for (const peer of peers.values()) stopPeer(context, peer);
      // A stamp that was reserved is not reserved again, so that one must still reach the disk.
      const stamps = context.outputs.filter(({ kind }) => kind === 'stamp');
      context.outputs.splice(0, Number.POSITIVE_INFINITY, ...stamps);
    },

    setMtu(mtu) {
      context.mtu = mtu;
    },

    handleResume(now) {
      context.latestNow = now;
      for (const peer of peers.values()) {
        const hadSession = peer.keypairs.current !== undefined;
        dropSessions(context, peer);
        peer.clearSource();
        peer.lastHandshakeSentAt = Number.NEGATIVE_INFINITY;
        if (hadSession || peer.keepaliveIntervalSeconds > 0) initiateHandshake(context, peer, now, false);
      }
    },

    clearSources() {
      for (const peer of peers.values()) peer.clearSource();
    },

    handleFrames(count, now) {
      context.latestNow = now;
      handleFrames(context, count, now);
    },
    handleSent(count, now) {
      context.latestNow = now;
      handleSent(context, count);
    },
    handleDatagrams(count, now) {
      context.latestNow = now;
      handleDatagrams(context, count, now);
    },
    handleOpened(count, now) {
      context.latestNow = now;
      handleOpened(context, count, now);
    },

    handleTimeout(now) {
      context.latestNow = now;
      for (;;) {
        const peer = context.deadlines.first();
        if (peer === undefined || peer.deadline > now) return;
        expireTimers(context, peer, now);
      }
    },

    pollOutput(now): Output {
      context.latestNow = now;
      const output = context.outputs.shift();
      if (output !== undefined) return output;
      const count = context.ready.size > 0 ? fillFrames(context, now) : 0;
      if (count > 0) return { kind: 'frames', count };
      const handshake = context.outputs.shift();
      if (handshake !== undefined) return handshake;
      keySlots.flush();
      const first = context.deadlines.first();
      if (first === undefined) return { kind: 'timeout', at: Number.POSITIVE_INFINITY, reason: 'none' };
      return { kind: 'timeout', at: first.deadline, reason: timerReason(first.timers, first.deadline) };
    },

    destroy() {
      for (const peer of [...peers.values()]) remove(peer);
      clearIdentity();
      context.outputs.length = 0;
      keySlots.flush();
    },
  };
}

function checkKey(field: string, key: Uint8Array): void {
  if (key.length !== KEY_BYTES) {
    throw new WireGuardError('INVALID_KEY', `${field}: expected ${KEY_BYTES} bytes, got ${key.length}`);
  }
}

// A string of the 32 bytes, for a Map: public keys only.
function keyName(publicKey: Uint8Array): string {
  return String.fromCharCode(...publicKey);
}
