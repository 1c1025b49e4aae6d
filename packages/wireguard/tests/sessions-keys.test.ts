/** Where keys end: nothing of a handshake or a session outlives it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isZero } from '../src/bytes.ts';
import { initiateHandshake } from '../src/handshakes.ts';
import type { Crypto } from '../src/index.ts';
import { createQuickCrypto } from './sim/crypto.ts';
import { sentBy } from './sim/messages.ts';
import { packet } from './sim/network.ts';
import { contextOf, createPair, createStrangers, type Pair } from './sim/session.ts';

const quick = createQuickCrypto();

/** What must be zero once the left is done with its session. */
interface Held {
  readonly pair: Pair;
  readonly checkEnded: () => void;
}

/** A session, an unused next one, an initiation in flight and a packet that waits, all of which are to end. */
function createHeld(): Held {
  const pair = createPair(1, quick);
  const { network, left, right, leftPeer, rightPeer } = pair;
  const context = contextOf(leftPeer);
  network.filter = ({ from }) => from === right.address;
  network.run(170_000);
  initiateHandshake(contextOf(rightPeer), rightPeer, network.now, false);
  right.drain();
  network.run(100);
  right.device.down(network.now);
  right.drain();
  network.runTo(leftPeer.keypairs.current!.createdAt + 180_000);
  left.send(packet(left, right));
  const [initiation] = leftPeer.initiations;
  assert.ok(initiation && !isZero(initiation.state.chainingKey));
  assert.ok(leftPeer.keypairs.current && leftPeer.keypairs.next);
  assert.is(left.plane.keys.size, 4);
  return {
    pair,
    checkEnded() {
      const { hash, chainingKey, ephemeralPrivate } = initiation.state;
      for (const secret of [hash, chainingKey, ephemeralPrivate]) assert.ok(isZero(secret));
      assert.equal(Object.values(leftPeer.keypairs), [undefined, undefined, undefined]);
      assert.is(leftPeer.initiations.length, 0);
      assert.is(leftPeer.staged.packets, 0);
      assert.is(context.indices.size, 0);
      assert.is(left.plane.keys.size, 0);
      assert.is(left.wake.reason, 'none');
    },
  };
}

test('keys and handshakes end when the interface goes down', () => {
  const { pair, checkEnded } = createHeld();
  pair.left.device.down(pair.network.now);
  pair.left.drain();
  checkEnded();
});

test('keys and handshakes end with the peer, and so do its own secrets', () => {
  const { pair, checkEnded } = createHeld();
  const { network, left, right, leftPeer } = pair;
  leftPeer.setPresharedKey(new Uint8Array(32).fill(1));
  const { staticSecret } = leftPeer;
  left.device.removePeer(right.device.publicKey!, network.now);
  left.drain();
  checkEnded();
  assert.ok(isZero(leftPeer.presharedKey) && isZero(staticSecret!));
});

test('keys and handshakes end with the device, and so does its private key', () => {
  const { pair, checkEnded } = createHeld();
  const { left, leftPeer } = pair;
  const { identity } = contextOf(leftPeer);
  const { staticSecret } = leftPeer;
  left.device.destroy();
  left.drain();
  checkEnded();
  assert.ok(isZero(identity!.privateKey) && isZero(staticSecret!));
  assert.is(left.device.publicKey, undefined);
});

test('keys and handshakes end 540 s after the last session', () => {
  const { pair, checkEnded } = createHeld();
  pair.network.run(600_000);
  checkEnded();
});

test('another private key ends handshakes and the old one, and nothing more is sent under its sessions', () => {
  const { network, left, right, leftPeer } = createHeld().pair;
  const { identity } = contextOf(leftPeer);
  const [initiation] = leftPeer.initiations;
  const { staticSecret } = leftPeer;
  left.device.setPrivateKey(new Uint8Array(32).fill(7), network.now);
  assert.ok(isZero(identity!.privateKey) && isZero(staticSecret!));
  assert.ok(isZero(initiation!.state.ephemeralPrivate));
  assert.is.not(leftPeer.staticSecret, staticSecret);
  assert.is(leftPeer.initiations.length, 0);
  network.sent.length = 0;
  left.send(packet(left, right));
  assert.is(sentBy(network, left, 'transport').length, 0);
  assert.is(sentBy(network, left, 'initiation').length, 1);
});

test('another private key ends the current and the next session for sending, not for receiving', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair(1, quick);
  network.filter = ({ from }) => from === left.address;
  network.runTo(leftPeer.keypairs.current!.createdAt + 121_000);
  left.send(packet(left, right));
  network.run(100);
  const { current, next } = rightPeer.keypairs;
  assert.ok(next);
  right.plane.delivered.length = 0;
  right.device.setPrivateKey(new Uint8Array(32).fill(7), network.now);
  for (const keypair of [current!, next]) assert.equal([keypair.sendLow, keypair.sendHigh], [0xffff_ffff, 0xffff_ffff]);
  left.send(packet(left, right));
  network.run(50);
  assert.is(right.plane.delivered.length, 1);
});

test('the same private key again changes nothing', () => {
  const { network, left, right, leftPeer } = createPair(1, quick);
  left.device.setPrivateKey(left.device.copyPrivateKey(), network.now);
  left.send(packet(left, right));
  network.run(50);
  assert.is(right.plane.delivered.length, 1);
  assert.is(leftPeer.reason, 'connected');
  assert.is(sentBy(network, left, 'initiation').length, 0);
});

test('an initiation that is answered, or can no longer be, is wiped', () => {
  for (const isAnswered of [true, false]) {
    const { network, left, right, leftPeer } = createStrangers(1, quick);
    network.filter = () => isAnswered;
    left.send(packet(left, right));
    const [initiation] = leftPeer.initiations;
    network.run(isAnswered ? 100 : 11_000);
    const { hash, chainingKey, ephemeralPrivate } = initiation!.state;
    for (const secret of [hash, chainingKey, ephemeralPrivate]) assert.ok(isZero(secret), `answered: ${isAnswered}`);
  }
});

/** A provider that keeps hold of every secret that it was given or that it made. */
function createWitness(): { crypto: Crypto; secrets: Uint8Array[] } {
  const secrets: Uint8Array[] = [];
  const keep = <T extends Uint8Array | undefined>(secret: T): T => {
    if (secret !== undefined) secrets.push(secret);
    return secret;
  };
  const crypto: Crypto = {
    ...quick,
    publicKey: (privateKey) => quick.publicKey(keep(privateKey)),
    sharedSecret: (privateKey, publicKey) => keep(quick.sharedSecret(privateKey, publicKey)),
    hmac: (key, ...parts) => keep(quick.hmac(key, ...parts)),
    seal: (key, ...rest) => quick.seal(keep(key), ...rest),
    open: (key, ...rest) => quick.open(keep(key), ...rest),
  };
  return { crypto, secrets };
}

test('of a handshake no ephemeral, shared secret, chaining key or session key is left in memory', () => {
  const { crypto, secrets } = createWitness();
  const { network, left, right } = createStrangers(1, crypto);
  secrets.length = 0;
  left.send(packet(left, right));
  network.run(100);
  assert.is(right.plane.delivered.length, 1);
  assert.ok(secrets.length > 40);
  assert.is(secrets.filter((secret) => !isZero(secret)).length, 0);
});

test('of an initiation that is refused nothing is left either', () => {
  const { crypto, secrets } = createWitness();
  const { network, left, right } = createStrangers(1, crypto);
  left.send(packet(left, right));
  network.run(1_000);
  const [initiation] = sentBy(network, left, 'initiation');
  secrets.length = 0;
  network.inject(left.address, right.address, initiation!.datagram);
  network.run(100);
  assert.is(right.device.counters['replayed-handshake-dropped'], 1);
  right.device.removeAllPeers(network.now);
  network.inject(left.address, right.address, initiation!.datagram);
  network.run(100);
  assert.is(right.device.counters['unknown-peer-dropped'], 1);
  assert.ok(secrets.length > 6);
  assert.is(secrets.filter((secret) => !isZero(secret)).length, 0);
});

test('of a response that does not open nothing is left but the initiation it answers', () => {
  const { crypto, secrets } = createWitness();
  const { network, left, right, leftPeer } = createStrangers(1, crypto);
  leftPeer.setPresharedKey(new Uint8Array(32).fill(1));
  secrets.length = 0;
  left.send(packet(left, right));
  network.run(100);
  assert.is(left.device.counters['bad-handshake-dropped'], 1);
  const [initiation] = leftPeer.initiations;
  const { chainingKey, ephemeralPrivate } = initiation!.state;
  const left_ = secrets.filter((secret) => !isZero(secret));
  assert.equal(new Set(left_), new Set([ephemeralPrivate, chainingKey]));
});

test('the keys handed to the data plane are not kept outside of it', () => {
  const { network, left, right } = createStrangers(1, quick);
  const installed: Uint8Array[] = [];
  const { installKey } = left.plane;
  left.plane.installKey = (slot, key) => {
    installed.push(key);
    installKey(slot, key);
  };
  left.send(packet(left, right));
  network.run(100);
  assert.is(installed.length, 2);
  for (const key of installed) assert.ok(isZero(key));
});

test.run();
