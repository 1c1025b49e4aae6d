import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ascii } from '../src/bytes.ts';
import { createNobleCrypto } from '../src/crypto-noble.ts';
import type { CounterName } from '../src/index.ts';
import { COOKIE_REPLY, INITIATION, MESSAGE_TYPE, RESPONSE, writeWord } from '../src/messages.ts';
import { sentBy } from './sim/messages.ts';
import { packet, type SimHost } from './sim/network.ts';
import { createPair, dropsOf, type Pair, receive } from './sim/session.ts';

const crypto = createNobleCrypto();
const HANDSHAKE_BYTES: Readonly<Record<number, number>> = {
  [MESSAGE_TYPE.INITIATION]: INITIATION.BYTES,
  [MESSAGE_TYPE.RESPONSE]: RESPONSE.BYTES,
  [MESSAGE_TYPE.COOKIE_REPLY]: COOKIE_REPLY.BYTES,
};

/** Hands the right a datagram that it must drop, counted once and under this name. */
function checkDropped(pair: Pair, datagram: Uint8Array, name: CounterName, from?: string): void {
  const { device, plane } = pair.right;
  const before = { drops: dropsOf(device), named: device.counters[name] };
  receive(pair.right, from === undefined ? { datagram } : { datagram, from });
  const what = `type ${datagram[0]}, ${datagram.length} bytes`;
  assert.is(device.counters[name], before.named + 1, what);
  assert.is(dropsOf(device), before.drops + 1, what);
  assert.is(plane.delivered.length, 0, what);
}

/** The session of before still carries packets both ways, without another handshake. */
function checkSession({ network, left, right }: Pair): void {
  network.sent.length = 0;
  left.send(packet(left, right, 1));
  right.send(packet(right, left, 2));
  network.run(100);
  for (const host of [left, right]) assert.is(host.plane.delivered.length, 1);
  assert.is(sentBy(network, left, 'initiation').length + sentBy(network, right, 'initiation').length, 0);
}

/** Random bytes under a type. */
function ofType(pair: Pair, type: number, length: number): Uint8Array {
  const datagram = new Uint8Array(length);
  pair.network.random.fill(datagram);
  writeWord(type, datagram, 0);
  return datagram.subarray(0, length);
}

/** Signs a handshake message for a host, as anybody can who knows its public key. */
function signFor({ device }: SimHost, message: Uint8Array): Uint8Array {
  const key = crypto.hash(ascii('mac1----'), device.publicKey!);
  const at = message.length - 32;
  message.set(crypto.mac(key, message.subarray(0, at)), at);
  return message;
}

test('handshake messages of any length but their own are dropped', () => {
  const pair = createPair();
  for (const [type, bytes] of Object.entries(HANDSHAKE_BYTES)) {
    for (let length = 0; length <= 200; length++) {
      if (length === bytes) continue;
      const expected = length < 4 ? 'short-dropped' : 'wrong-length-dropped';
      checkDropped(pair, ofType(pair, Number(type), length), expected);
    }
  }
  checkSession(pair);
});

test('handshake messages of their own length and without a valid MAC1 are dropped', () => {
  const pair = createPair();
  for (let i = 0; i < 100; i++) {
    checkDropped(pair, ofType(pair, MESSAGE_TYPE.INITIATION, INITIATION.BYTES), 'bad-mac1-dropped');
    checkDropped(pair, ofType(pair, MESSAGE_TYPE.RESPONSE, RESPONSE.BYTES), 'bad-mac1-dropped');
    checkDropped(pair, ofType(pair, MESSAGE_TYPE.COOKIE_REPLY, COOKIE_REPLY.BYTES), 'unknown-index-dropped');
  }
  checkSession(pair);
});

test('transport messages of any length are dropped: too short, unknown or not verified', () => {
  const pair = createPair();
  const { localIndex } = pair.rightPeer.keypairs.current!;
  for (let length = 0; length <= 200; length++) {
    const unknown = ofType(pair, MESSAGE_TYPE.TRANSPORT, length);
    checkDropped(pair, unknown, length < 32 ? 'short-dropped' : 'unknown-index-dropped');
    if (length < 8) continue;
    const known = ofType(pair, MESSAGE_TYPE.TRANSPORT, length);
    writeWord(localIndex, known, 4);
    checkDropped(pair, known, length < 32 ? 'short-dropped' : 'bad-tag-dropped');
  }
  checkSession(pair);
});

test('messages of any other type are dropped at any length', () => {
  const pair = createPair();
  for (let type = 0; type < 256; type++) {
    if (type >= 1 && type <= 4) continue;
    const step = type < 16 || type > 250 ? 1 : 13;
    for (let length = type % step; length <= 200; length += step) {
      checkDropped(pair, ofType(pair, type, length), length < 4 ? 'short-dropped' : 'unknown-type-dropped');
    }
  }
  checkSession(pair);
});

test('a message whose reserved bytes are not zero is of no known type', () => {
  const pair = createPair();
  const { network, left, right } = pair;
  network.filter = () => false;
  network.run(130_000);
  left.send(packet(left, right));
  const genuine = [...sentBy(network, left, 'transport'), ...sentBy(network, left, 'initiation')];
  assert.is(genuine.length, 2);
  for (const { datagram } of genuine) {
    for (let byte = 1; byte < 4; byte++) {
      for (let bit = 1; bit < 256; bit *= 2) {
        const changed = datagram.slice();
        changed[byte] = bit;
        checkDropped(pair, datagram[0] === 4 ? changed : signFor(right, changed), 'unknown-type-dropped');
      }
    }
  }
  receive(right, ...genuine);
  assert.is(right.plane.delivered.length, 1);
  assert.is(right.device.counters['initiations-received'], 2);
});

test('the largest datagram there is of each type is dropped', () => {
  const pair = createPair();
  for (let type = 0; type < 8; type++) {
    const isHandshake = type in HANDSHAKE_BYTES;
    const name = isHandshake ? 'wrong-length-dropped' : type === 4 ? 'unknown-index-dropped' : 'unknown-type-dropped';
    checkDropped(pair, ofType(pair, type, 65_507), name);
  }
  const known = ofType(pair, MESSAGE_TYPE.TRANSPORT, 65_507);
  writeWord(pair.rightPeer.keypairs.current!.localIndex, known, 4);
  checkDropped(pair, known, 'bad-tag-dropped');
  checkSession(pair);
});

test('random initiations behind a valid MAC1 are dropped', () => {
  const pair = createPair();
  for (let i = 0; i < 120; i++) {
    const message = signFor(pair.right, ofType(pair, MESSAGE_TYPE.INITIATION, INITIATION.BYTES));
    checkDropped(pair, message, 'bad-handshake-dropped', `203.0.113.${i}:1`);
  }
  checkSession(pair);
});

test('an initiation with an ephemeral key of low order is dropped', () => {
  const pair = createPair();
  for (const first of [0, 1]) {
    const message = ofType(pair, MESSAGE_TYPE.INITIATION, INITIATION.BYTES);
    message.fill(0, INITIATION.EPHEMERAL, INITIATION.STATIC);
    message[INITIATION.EPHEMERAL] = first;
    checkDropped(pair, signFor(pair.right, message), 'bad-handshake-dropped');
  }
  checkSession(pair);
});

test('a true initiation with any part of it changed is dropped, MAC1 valid or not', () => {
  const pair = createPair();
  const { network, left, right } = pair;
  network.run(200_000);
  network.filter = () => false;
  left.send(packet(left, right));
  const { datagram } = sentBy(network, left, 'initiation')[0]!;
  for (let at = INITIATION.EPHEMERAL; at < INITIATION.MAC1; at += 3) {
    const changed = datagram.slice();
    changed[at]! ^= 0x10;
    checkDropped(pair, changed, 'bad-mac1-dropped');
    // The top bit of a public key is not part of it (RFC 7748), but it is part of the transcript.
    checkDropped(pair, signFor(right, changed), 'bad-handshake-dropped', `203.0.113.${at}:1`);
  }
  receive(right, { datagram, from: left.address });
  assert.is(right.device.counters['initiations-received'], 2);
});

test('random responses and cookie replies to an initiation in flight are dropped', () => {
  const pair = createPair();
  const { network, left, right, rightPeer } = pair;
  network.run(200_000);
  network.filter = () => false;
  right.send(packet(right, left));
  const [initiation] = rightPeer.initiations;
  for (let i = 0; i < 60; i++) {
    const response = ofType(pair, MESSAGE_TYPE.RESPONSE, RESPONSE.BYTES);
    writeWord(initiation!.localIndex, response, RESPONSE.RECEIVER);
    checkDropped(pair, signFor(right, response), 'bad-handshake-dropped', `203.0.113.${i}:1`);
    const other = signFor(right, ofType(pair, MESSAGE_TYPE.RESPONSE, RESPONSE.BYTES));
    checkDropped(pair, other, 'unknown-index-dropped', `203.0.113.${i}:2`);
    const reply = ofType(pair, MESSAGE_TYPE.COOKIE_REPLY, COOKIE_REPLY.BYTES);
    writeWord(initiation!.localIndex, reply, COOKIE_REPLY.RECEIVER);
    checkDropped(pair, reply, 'bad-cookie-dropped');
  }
  network.filter = () => true;
  network.run(6_000);
  assert.is(left.plane.delivered.length, 1, 'the true response is still taken');
});

test('a transport message to the index of an initiation is dropped', () => {
  const pair = createPair();
  pair.network.run(200_000);
  pair.network.filter = () => false;
  pair.right.send(packet(pair.right, pair.left));
  const message = ofType(pair, MESSAGE_TYPE.TRANSPORT, 96);
  writeWord(pair.rightPeer.initiations[0]!.localIndex, message, 4);
  checkDropped(pair, message, 'unknown-index-dropped');
});

test('a flood behind a valid MAC1 from one place is asked for a cookie, each message counted once', () => {
  const pair = createPair();
  const { right, network } = pair;
  for (let i = 0; i < 200; i++) {
    const before = dropsOf(right.device);
    receive(right, { datagram: signFor(right, ofType(pair, MESSAGE_TYPE.INITIATION, INITIATION.BYTES)) });
    assert.is(dropsOf(right.device), before + 1);
  }
  const asked = right.device.counters['bad-mac2-dropped'];
  assert.ok(asked > 100);
  assert.is(sentBy(network, right, 'cookie-reply').length, asked);
  checkSession(pair);
});

test('bad datagrams of all sorts in the batches of a session cost it nothing', () => {
  const pair = createPair(5);
  const { network, left, right } = pair;
  const { random } = network;
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 20; i++) {
      const datagram = ofType(pair, random.word() % 6, 8 + (random.word() % 300));
      if (random.word() % 2) writeWord(pair.rightPeer.keypairs.current!.localIndex, datagram, 4);
      right.plane.udpQueue.push({ datagram, source: pair.rightPeer.copyEndpoint()!, tos: random.word() % 256 });
    }
    left.send(packet(left, right, round));
    network.run(20);
  }
  assert.is(right.plane.delivered.length, 50);
  assert.is(dropsOf(right.device), 50 * 20);
});

test('what comes to a device without a key, or that is down, is dropped and not answered', () => {
  for (const stop of ['key', 'down'] as const) {
    const pair = createPair();
    const { network, right } = pair;
    if (stop === 'down') right.device.down(network.now);
    for (const type of [1, 2, 3, 4, 5]) {
      for (const length of [0, 3, 4, 31, 32, 64, 92, 148, 65_507]) {
        const before = dropsOf(right.device);
        const datagram = ofType(pair, type, length);
        if (length === HANDSHAKE_BYTES[type]) signFor(right, datagram);
        if (stop === 'key') right.device.setPrivateKey(undefined, network.now);
        receive(right, { datagram });
        assert.is(dropsOf(right.device), before + 1, `${stop}: type ${type}, ${length} bytes`);
        if (stop === 'key') right.device.setPrivateKey(pair.network.random.key(), network.now);
      }
    }
    assert.is(network.sent.length, 0);
    assert.is(right.plane.delivered.length, 0);
  }
});

test.run();
