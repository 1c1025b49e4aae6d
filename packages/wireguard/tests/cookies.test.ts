/** MAC1, MAC2 and cookies between two hosts: whitepaper 5.3, 5.4.4 and 5.4.7. */
import { parseEndpoint } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isZero } from '../src/bytes.ts';
import { INITIATION, RESPONSE } from '../src/messages.ts';
import { createQuickCrypto } from './sim/crypto.ts';
import { kindOf, sentBy } from './sim/messages.ts';
import { packet, type Sent } from './sim/network.ts';
import { createStrangers, type Pair, receive } from './sim/session.ts';
import { stateSnapshot } from './sim/state.ts';

const quick = createQuickCrypto();
const FLOODED = { handshakesPerSecond: 0 };

const hasMac2 = ({ datagram }: Sent): boolean => !isZero(datagram.subarray(datagram.length - 16));

/** The left was just given a cookie by the right, which is under load. */
function createCookied(): Pair & { readonly reply: Sent } {
  const pair = createStrangers(1, quick, { right: FLOODED });
  const { network, left, right } = pair;
  left.send(packet(left, right));
  network.run(100);
  const [reply] = sentBy(network, right, 'cookie-reply');
  assert.is(left.device.counters['cookies-received'], 1);
  return { ...pair, reply: reply! };
}

test('a message whose MAC1 is wrong is never answered, under load or not', () => {
  for (const right of [{}, FLOODED]) {
    const pair = createStrangers(1, quick, { right });
    const { network, left } = pair;
    network.filter = () => false;
    left.send(packet(left, pair.right));
    pair.right.send(packet(pair.right, left));
    const initiation = sentBy(network, left, 'initiation')[0]!.datagram;
    const response = new Uint8Array(RESPONSE.BYTES);
    response[0] = 2;
    network.sent.length = 0;
    for (const [message, at] of [
      [initiation, INITIATION.MAC1],
      [response, RESPONSE.MAC1],
    ] as const) {
      for (let byte = at; byte < at + 16; byte++) {
        const bad = message.slice();
        bad[byte]! ^= 0x40;
        receive(pair.right, { datagram: bad, from: left.address });
      }
    }
    assert.is(pair.right.device.counters['bad-mac1-dropped'], 32);
    assert.is(network.sent.length, 0);
  }
});

test('under load an initiator is given a cookie and connects with its next try', () => {
  const { network, left, right } = createCookied();
  network.run(5_400);
  assert.equal(network.sent.map(kindOf), ['initiation', 'cookie-reply', 'initiation', 'response', 'transport']);
  assert.equal(sentBy(network, left, 'initiation').map(hasMac2), [false, true]);
  assert.is(right.plane.delivered.length, 1);
});

test('an initiator under load gives the responder a cookie and is answered at the next try', () => {
  const { network, left, right } = createStrangers(1, quick, { left: FLOODED });
  left.send(packet(left, right));
  network.run(5_500);
  assert.equal(network.sent.map(kindOf), [
    'initiation',
    'response',
    'cookie-reply',
    'initiation',
    'response',
    'transport',
  ]);
  assert.equal(sentBy(network, right, 'response').map(hasMac2), [false, true]);
  assert.is(right.plane.delivered.length, 1);
});

test('two sides under load at once connect within three tries', () => {
  const { network, left, right } = createStrangers(1, quick, { left: FLOODED, right: FLOODED });
  left.send(packet(left, right));
  network.run(11_000);
  assert.is(right.plane.delivered.length, 1);
});

test('without load neither cookies nor MAC2 are in any message', () => {
  const { network, left, right } = createStrangers(1, quick);
  left.send(packet(left, right));
  network.run(100);
  assert.equal(network.sent.map(kindOf), ['initiation', 'response', 'transport']);
  assert.not(network.sent.slice(0, 2).some(hasMac2));
});

test('under load a message without a MAC2 costs no public-key cryptography', () => {
  let operations = 0;
  const counting = {
    ...quick,
    sharedSecret: (privateKey: Uint8Array, publicKey: Uint8Array) => {
      operations++;
      return quick.sharedSecret(privateKey, publicKey);
    },
  };
  const { network, left, right } = createStrangers(1, counting, { right: FLOODED });
  network.filter = ({ from }) => from === left.address;
  left.send(packet(left, right));
  const before = operations;
  network.run(100);
  assert.is(sentBy(network, right, 'cookie-reply').length, 1);
  assert.is(operations, before);
});

test('a cookie is of no use from another port or another address, which get one of their own', () => {
  for (const address of ['192.0.2.1:51821', '192.0.2.77:51820']) {
    const { network, left, right } = createCookied();
    left.address = address;
    network.run(5_400);
    assert.is(right.plane.delivered.length, 0, address);
    assert.is(sentBy(network, right, 'cookie-reply').length, 2, address);
    network.run(5_400);
    assert.is(right.plane.delivered.length, 1, address);
  }
});

test('a cookie reply moves no timer, sends nothing and changes no endpoint, from wherever it comes', () => {
  for (const from of [undefined, '192.0.2.99:9']) {
    const { network, left, right, leftPeer } = createStrangers(1, quick, { right: FLOODED });
    network.filter = ({ from: sender }) => sender === left.address;
    left.send(packet(left, right));
    network.run(1_000);
    const [reply] = sentBy(network, right, 'cookie-reply');
    const before = stateSnapshot(left, leftPeer);
    const sent = network.sent.length;
    receive(left, { datagram: reply!.datagram, from: from ?? right.address });
    assert.is(left.device.counters['cookies-received'], 1);
    assert.equal(stateSnapshot(left, leftPeer), before);
    assert.is(network.sent.length, sent);
  }
});

test('a cookie reply is taken once', () => {
  for (const from of [undefined, '192.0.2.99:9']) {
    const { network, left, right, leftPeer, reply } = createCookied();
    network.run(1_000);
    const before = stateSnapshot(left, leftPeer);
    receive(left, { datagram: reply.datagram, from: from ?? right.address });
    assert.is(left.device.counters['bad-cookie-dropped'], 1);
    assert.is(left.device.counters['cookies-received'], 1);
    assert.equal(stateSnapshot(left, leftPeer), before);
  }
});

test('a cookie reply to a message before the last is not taken', () => {
  const { network, left, right } = createStrangers(1, quick, { right: FLOODED });
  network.filter = ({ from }) => from === left.address;
  left.send(packet(left, right));
  network.run(5_400);
  const [first, second] = sentBy(network, right, 'cookie-reply');
  receive(left, { datagram: first!.datagram, from: right.address });
  assert.is(left.device.counters['bad-cookie-dropped'], 1);
  receive(left, { datagram: second!.datagram, from: right.address });
  assert.is(left.device.counters['cookies-received'], 1);
});

test('a cookie reply for nobody who wrote is dropped', () => {
  const { network, left, right, reply } = createCookied();
  network.run(20_000);
  receive(left, { datagram: reply.datagram, from: right.address });
  assert.is(left.device.counters['unknown-index-dropped'], 1);
});

test('a cookie reply is smaller than what it answers, and no two are alike', () => {
  const { network, left, right } = createStrangers(1, quick, { left: FLOODED, right: FLOODED });
  left.send(packet(left, right));
  network.run(6_000);
  const replies = [...sentBy(network, left, 'cookie-reply'), ...sentBy(network, right, 'cookie-reply')];
  assert.equal(
    replies.map(({ datagram }) => datagram.length),
    [64, 64],
  );
  assert.ok(64 < RESPONSE.BYTES && RESPONSE.BYTES < INITIATION.BYTES);
  const nonces = new Set(replies.map(({ datagram }) => String(datagram.subarray(8, 32))));
  assert.is(nonces.size, replies.length);
});

test('a cookie goes with the peer that got it, not with another peer of the device', () => {
  const { network, left, right } = createCookied();
  const third = network.addHost('third', FLOODED, quick);
  const peer = left.device.addPeer(third.device.publicKey!, network.now)!;
  peer.addAllowedIp(Uint8Array.of(10, 0, 0, 3), 32);
  peer.setEndpoint(parseEndpoint(third.address)!);
  left.send(packet(left, third));
  const [toThird] = sentBy(network, left, 'initiation').filter(({ to }) => to === third.address);
  assert.not(hasMac2(toThird!));
  assert.is(sentBy(network, right, 'cookie-reply').length, 1);
});

test.run();
