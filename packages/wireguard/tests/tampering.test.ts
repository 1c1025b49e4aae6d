/** A message of which any byte was changed is refused, and nothing is different afterwards. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INITIATION, RESPONSE } from '../src/messages.ts';
import type { PeerState } from '../src/peer.ts';
import { createQuickCrypto } from './sim/crypto.ts';
import { sentBy, signFor } from './sim/messages.ts';
import { packet, type SimHost, type SimNetwork } from './sim/network.ts';
import { createPair, createStrangers, dropsOf, forge, type Pair, receive } from './sim/session.ts';
import { stateSnapshot } from './sim/state.ts';

const quick = createQuickCrypto();
// So that many in a moment are not asked for cookies.
const PATIENT = { handshakesPerSecond: 100_000 };
const FLOODED = { handshakesPerSecond: 0 };
const ELSEWHERE = '192.0.2.99:9';
const BITS = [0x01, 0x80];

interface Target {
  readonly network: SimNetwork;
  readonly host: SimHost;
  readonly peer: PeerState;
  readonly message: Uint8Array;
}

/** Changes each byte of a part in turn, and checks that it is refused without a trace or an answer. */
function checkRefused({ network, host, peer, message }: Target, part: [number, number], sign = false): void {
  const before = stateSnapshot(host, peer);
  const sent = network.sent.length;
  for (let at = part[0]; at < part[1]; at++) {
    for (const bit of BITS) {
      const changed = message.slice();
      changed[at]! ^= bit;
      if (sign) signFor(host, changed);
      const drops = dropsOf(host.device);
      receive(host, { datagram: changed, from: ELSEWHERE });
      const what = `byte ${at} ^ ${bit}`;
      assert.is(dropsOf(host.device), drops + 1, what);
      assert.equal(stateSnapshot(host, peer), before, what);
      assert.is(network.sent.length, sent, what);
    }
  }
}

/** An initiation that did not reach the right yet. */
function createInitiation(): Target & Pair {
  const pair = createStrangers(1, quick, { left: PATIENT, right: PATIENT });
  const { network, left, right, rightPeer } = pair;
  network.filter = () => false;
  left.send(packet(left, right));
  const [initiation] = sentBy(network, left, 'initiation');
  return { ...pair, host: right, peer: rightPeer, message: initiation!.datagram };
}

/** A response that did not reach the left yet. */
function createResponse(): Target & Pair {
  const pair = createStrangers(1, quick, { left: PATIENT, right: PATIENT });
  const { network, left, right, leftPeer } = pair;
  network.filter = ({ from }) => from === left.address;
  left.send(packet(left, right));
  network.run(100);
  const [response] = sentBy(network, right, 'response');
  return { ...pair, host: left, peer: leftPeer, message: response!.datagram };
}

test('an initiation with any byte before its MAC2 changed', () => {
  const target = createInitiation();
  checkRefused(target, [0, INITIATION.MAC2]);
  receive(target.host, { datagram: target.message, from: target.left.address });
  assert.is(sentBy(target.network, target.right, 'response').length, 1);
});

test('an initiation with any byte of its keys and its stamp changed, and signed again', () => {
  const target = createInitiation();
  checkRefused(target, [INITIATION.EPHEMERAL, INITIATION.TIMESTAMP_END], true);
  receive(target.host, { datagram: target.message, from: target.left.address });
  assert.is(sentBy(target.network, target.right, 'response').length, 1);
});

test('a response with any byte before its MAC2 changed', () => {
  const target = createResponse();
  checkRefused(target, [0, RESPONSE.MAC2]);
  receive(target.host, { datagram: target.message, from: target.right.address });
  assert.ok(target.peer.keypairs.current);
});

test('a response with any byte of its key and its tag changed, and signed again', () => {
  const target = createResponse();
  checkRefused(target, [RESPONSE.EPHEMERAL, RESPONSE.EMPTY_END], true);
  receive(target.host, { datagram: target.message, from: target.right.address });
  assert.ok(target.peer.keypairs.current);
});

test('under load a message with any byte of its MAC2 changed is answered with a cookie and changes nothing', () => {
  const { network, left, right, rightPeer } = createStrangers(1, quick, { right: FLOODED });
  left.send(packet(left, right));
  network.run(100);
  network.filter = () => false;
  network.run(5_400);
  const [, initiation] = sentBy(network, left, 'initiation');
  const before = stateSnapshot(right, rightPeer);
  for (let at = INITIATION.MAC2; at < INITIATION.BYTES; at++) {
    for (const bit of BITS) {
      const changed = initiation!.datagram.slice();
      changed[at]! ^= bit;
      const replies = sentBy(network, right, 'cookie-reply').length;
      const sent = network.sent.length;
      receive(right, { datagram: changed, from: left.address });
      assert.equal(stateSnapshot(right, rightPeer), before, `byte ${at}`);
      assert.is(sentBy(network, right, 'cookie-reply').length, replies + 1, `byte ${at}`);
      assert.is(network.sent.length, sent + 1, `byte ${at}`);
    }
  }
  receive(right, { datagram: initiation!.datagram, from: left.address });
  assert.is(sentBy(network, right, 'response').length, 1);
});

test('a cookie reply with any byte changed', () => {
  const { network, left, right, leftPeer } = createStrangers(1, quick, { right: FLOODED });
  network.filter = ({ from }) => from === left.address;
  left.send(packet(left, right));
  network.run(100);
  const [reply] = sentBy(network, right, 'cookie-reply');
  const message = reply!.datagram;
  checkRefused({ network, host: left, peer: leftPeer, message }, [0, message.length]);
  receive(left, { datagram: message, from: right.address });
  assert.is(left.device.counters['cookies-received'], 1);
});

test('a packet with any byte changed', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair(1, quick);
  const message = forge(left, leftPeer, packet(left, right, 3));
  checkRefused({ network, host: right, peer: rightPeer, message }, [0, message.length]);
  receive(right, { datagram: message, from: left.address });
  assert.equal(right.plane.delivered, [packet(left, right, 3)]);
});

test('a keepalive with any byte changed', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair(1, quick);
  const message = forge(left, leftPeer, new Uint8Array(0));
  checkRefused({ network, host: right, peer: rightPeer, message }, [0, 32]);
  receive(right, { datagram: message, from: left.address });
  assert.is(right.device.counters['keepalives-received'], 1);
});

test('a packet that confirms a session, with any byte changed', () => {
  const { network, left, right, leftPeer, rightPeer } = createStrangers(1, quick);
  network.filter = ({ datagram }) => datagram[0] !== 4;
  left.send(packet(left, right));
  network.run(100);
  const message = forge(left, leftPeer, packet(left, right, 3));
  checkRefused({ network, host: right, peer: rightPeer, message }, [0, message.length]);
  assert.ok(rightPeer.keypairs.next);
  receive(right, { datagram: message, from: left.address });
  assert.ok(rightPeer.keypairs.current);
});

test.run();
