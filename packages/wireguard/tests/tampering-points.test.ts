/** Points of low order: a secret shared with one is none, in any of the four DH of a handshake. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createNobleCrypto } from '../src/index.ts';
import {
  clampPrivateKey,
  computeStaticSecret,
  openInitiation,
  openResponse,
  openTimestamp,
  type RemoteKeys,
  type StaticKeys,
  writeInitiation,
  writeResponse,
} from '../src/noise.ts';
import { createCarelessCrypto } from './sim/crypto.ts';
import { sentBy, signFor } from './sim/messages.ts';
import { connect, createSimNetwork, packet } from './sim/network.ts';
import { createSeededRandom } from './sim/random.ts';
import { createStrangers, receive, stateOf } from './sim/session.ts';
import { stateSnapshot } from './sim/state.ts';

const crypto = createNobleCrypto();
const random = createSeededRandom(1);
const NO_PSK = new Uint8Array(32);
const STAMP = new Uint8Array(12).fill(0x40);

/** All points of order 1, 2, 4 and 8, and their spellings of up to 2^255: https://cr.yp.to/ecdh.html#validate */
const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((hex) => Uint8Array.from(hex.match(/../g)!.map((byte) => Number.parseInt(byte, 16))));

function keyPair(): StaticKeys {
  const privateKey = random.key();
  clampPrivateKey(privateKey);
  return { privateKey, publicKey: crypto.publicKey(privateKey) };
}

function remote(publicKey: Uint8Array, staticSecret?: Uint8Array): RemoteKeys {
  return { publicKey, staticSecret, presharedKey: NO_PSK };
}

for (const [index, point] of LOW_ORDER.entries()) {
  const careless = createCarelessCrypto();
  const giving = createCarelessCrypto(point);

  test(`point ${index} as a static key shares no secret, and no initiation is written to it`, () => {
    const ours = keyPair();
    assert.is(computeStaticSecret(crypto, ours.privateKey, point), undefined);
    const out = new Uint8Array(148);
    // es, and ss where es were not looked at.
    assert.is(writeInitiation(crypto, ours, remote(point, random.key()), random.key(), STAMP, 1, out), undefined);
    assert.is(writeInitiation(careless, ours, remote(point), random.key(), STAMP, 1, out), undefined);
  });

  test(`point ${index} as the ephemeral of an initiation is refused`, () => {
    const network = createSimNetwork();
    const left = network.addHost('left');
    const right = network.addHost('right');
    const { right: peer } = connect(left, right, network.now);
    const ours = { privateKey: left.device.copyPrivateKey()!, publicKey: left.device.publicKey! };
    const secret = computeStaticSecret(crypto, ours.privateKey, right.device.publicKey!)!;
    const message = new Uint8Array(148);
    assert.ok(writeInitiation(giving, ours, remote(right.device.publicKey!, secret), random.key(), STAMP, 1, message));
    const before = stateSnapshot(right, stateOf(peer));
    receive(right, { datagram: signFor(right, message) });
    assert.is(right.device.counters['bad-handshake-dropped'], 1);
    assert.equal(stateSnapshot(right, stateOf(peer)), before);
    assert.is(network.sent.length, 0);
  });

  test(`point ${index} as the static key of an initiator is refused, also where it is a peer`, () => {
    const { network, right } = createStrangers();
    const peer = stateOf(right.device.addPeer(point, network.now)!);
    const message = new Uint8Array(148);
    const ours = { privateKey: random.key(), publicKey: point };
    const theirs = remote(right.device.publicKey!, new Uint8Array(32));
    assert.ok(writeInitiation(careless, ours, theirs, random.key(), STAMP, 1, message));
    const before = stateSnapshot(right, peer);
    receive(right, { datagram: signFor(right, message) });
    assert.is(right.device.counters['bad-handshake-dropped'], 1);
    assert.equal(stateSnapshot(right, peer), before);
    assert.is(network.sent.length, 0);
  });

  test(`point ${index} as the ephemeral of a response is refused`, () => {
    const { network, left, right, leftPeer } = createStrangers();
    network.filter = () => false;
    left.send(packet(left, right));
    const [initiation] = sentBy(network, left, 'initiation');
    const ours = { privateKey: right.device.copyPrivateKey()!, publicKey: right.device.publicKey! };
    const secret = computeStaticSecret(crypto, ours.privateKey, left.device.publicKey!)!;
    const theirs = remote(left.device.publicKey!, secret);
    const opened = openInitiation(crypto, ours, initiation!.datagram)!;
    assert.ok(openTimestamp(crypto, opened, theirs, initiation!.datagram));
    const message = new Uint8Array(92);
    assert.ok(writeResponse(giving, opened, theirs, random.key(), 2, message));
    const before = stateSnapshot(left, leftPeer);
    receive(left, { datagram: signFor(left, message), from: right.address });
    assert.is(left.device.counters['bad-handshake-dropped'], 1);
    assert.equal(stateSnapshot(left, leftPeer), before);
  });

  test(`point ${index} gives no response to write or to open, whichever of the two DH it is in`, () => {
    const ours = keyPair();
    const theirs = keyPair();
    const transcript = () => ({ hash: random.key(), chainingKey: random.key() });
    const opened = (ephemeral: Uint8Array) => ({
      ...transcript(),
      senderIndex: 1,
      ephemeral,
      initiator: theirs.publicKey,
    });
    const out = new Uint8Array(92);
    const ephemeral = crypto.publicKey(random.key());
    assert.is(writeResponse(crypto, opened(point), remote(theirs.publicKey), random.key(), 2, out), undefined, 'ee');
    assert.is(writeResponse(crypto, opened(ephemeral), remote(point), random.key(), 2, out), undefined, 'se');

    // A response that would open if zeros were taken for secrets.
    const start = transcript();
    const sent = { ...start, ephemeralPrivate: random.key() };
    const copy = { hash: start.hash.slice(), chainingKey: start.chainingKey.slice() };
    const response = { ...copy, senderIndex: 1, ephemeral, initiator: theirs.publicKey };
    assert.ok(writeResponse(giving, response, remote(theirs.publicKey), random.key(), 2, out));
    assert.ok(openResponse(giving, ours, sent, remote(theirs.publicKey), out), 'by whoever takes them');
    assert.is(openResponse(crypto, ours, sent, remote(theirs.publicKey), out), undefined);
  });
}

test.run();
