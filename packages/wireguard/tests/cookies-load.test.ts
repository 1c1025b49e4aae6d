/** Who is asked for a cookie when, and who is not: whitepaper 5.3. */
import { parseEndpoint } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createAdmission } from '../src/admission.ts';
import { initiateHandshake } from '../src/handshakes.ts';
import { createQuickCrypto } from './sim/crypto.ts';
import { sentBy, signFor } from './sim/messages.ts';
import { packet, type SimHost } from './sim/network.ts';
import { createSeededRandom } from './sim/random.ts';
import { contextOf, createPair, createStrangers, receive } from './sim/session.ts';

const quick = createQuickCrypto();
const random = createSeededRandom(1);
const no = (): boolean => false;
const yes = (): boolean => true;

/** An initiation of noise that anybody could have written. */
function noise(to: SimHost): Uint8Array {
  const message = new Uint8Array(148);
  random.fill(message);
  message.set([1, 0, 0, 0]);
  return signFor(to, message);
}

const place = (text: string): Int32Array => parseEndpoint(text)!;

test('1,000 handshakes at 10 a second are never asked for a cookie', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair(1, quick);
  for (let round = 0; round < 1_000; round++) {
    leftPeer.lastHandshakeSentAt = Number.NEGATIVE_INFINITY;
    initiateHandshake(contextOf(leftPeer), leftPeer, network.now, false);
    left.drain();
    network.run(100);
    network.sent.length = 0;
  }
  assert.is(right.device.counters['initiations-received'], 1_001);
  assert.is(right.device.counters['cookies-sent'], 0);
  assert.is(left.device.counters['cookies-sent'], 0);
  assert.is(rightPeer.reason, 'connected');
});

test('a flood from one source is asked for cookies, and nobody else is', () => {
  const { network, left, right } = createStrangers(1, quick);
  for (let ms = 0; ms < 1_000; ms++) {
    for (let i = 0; i < 3; i++) receive(right, { datagram: noise(right), from: '198.51.100.7:7' });
    if (ms === 700) left.send(packet(left, right));
    network.run(1);
  }
  network.run(100);
  const asked = sentBy(network, right, 'cookie-reply');
  assert.ok(asked.length > 2_500);
  assert.ok(asked.every(({ to }) => to === '198.51.100.7:7'));
  assert.is(right.plane.delivered.length, 1);
  assert.is(sentBy(network, left, 'initiation').length, 1);
});

test('a flood from one source with many ports is one source', () => {
  const admission = createAdmission(250);
  const admitted = { flood: 0, other: 0 };
  for (let i = 0; i < 2_000; i++) {
    if (admission.decide(place(`198.51.100.7:${i + 1}`), 0, no, i / 2) === 'admit') admitted.flood++;
  }
  if (admission.decide(place('192.0.2.1:1'), 0, no, 1_000) === 'admit') admitted.other++;
  assert.ok(admitted.flood < 130, `${admitted.flood}`);
  assert.is(admitted.other, 1);
});

test('a flood from one IPv6 network of /64 is one source, the next network is another', () => {
  const admission = createAdmission(250);
  let admitted = 0;
  for (let i = 0; i < 2_000; i++) {
    if (admission.decide(place(`[2001:db8::${i.toString(16)}:1]:7`), 0, no, i / 2) === 'admit') admitted++;
  }
  assert.ok(admitted < 130, `${admitted}`);
  assert.is(admission.decide(place('[2001:db8:0:1::1]:7'), 0, no, 1_000), 'admit');
});

test('a flood from many sources has everybody asked, until it is over for a second', () => {
  const admission = createAdmission(250);
  let admitted = 0;
  for (let i = 0; i < 1_000; i++) {
    const source = place(`198.18.${i >> 8}.${i & 0xff}:7`);
    if (admission.decide(source, 0, no, i / 10) === 'admit') admitted++;
  }
  assert.ok(admitted >= 250 && admitted < 280, `${admitted}`);
  const other = place('192.0.2.1:1');
  assert.is(admission.decide(other, 0, no, 1_000), 'ask-cookie');
  assert.is(admission.decide(other, 0, yes, 1_000), 'admit');
  assert.is(admission.decide(other, 0, no, 2_100), 'admit');
});

test('under load a source that has a cookie may have 5 at once and 20 a second', () => {
  const admission = createAdmission(0);
  const source = place('192.0.2.1:1');
  const verdicts = (now: number, count: number) =>
    Array.from({ length: count }, () => admission.decide(source, 0, yes, now));
  assert.equal(verdicts(0, 6), ['admit', 'admit', 'admit', 'admit', 'admit', 'drop']);
  assert.equal(verdicts(50, 2), ['admit', 'drop']);
  assert.equal(verdicts(99, 1), ['drop']);
  assert.equal(verdicts(1_000, 6), ['admit', 'admit', 'admit', 'admit', 'admit', 'drop']);
});

test('under load sources that have cookies are limited each for itself, IPv6 by /64', () => {
  const admission = createAdmission(0);
  const use = (text: string) => admission.decide(place(text), 0, yes, 0);
  for (let i = 1; i <= 5; i++) assert.is(use(`[2001:db8::${i}]:${i}`), 'admit');
  assert.is(use('[2001:db8::6]:6'), 'drop');
  assert.is(use('[2001:db8:0:1::6]:6'), 'admit');
  assert.is(use('192.0.2.1:1'), 'admit');
});

test('the cookie is looked at only where it matters', () => {
  const admission = createAdmission(250);
  const unexpected = (): boolean => assert.unreachable('a MAC for nothing') as never;
  for (let i = 0; i < 50; i++) {
    assert.is(admission.decide(place('192.0.2.1:1'), 0, unexpected, i * 100), 'admit');
  }
});

test('a handshake that is over its limit is dropped without an answer', () => {
  const { network, left, right, leftPeer } = createStrangers(1, quick, { right: { handshakesPerSecond: 0 } });
  left.send(packet(left, right));
  network.run(6_000);
  assert.is(right.plane.delivered.length, 1);
  network.sent.length = 0;
  for (let i = 0; i < 16; i++) {
    leftPeer.lastHandshakeSentAt = Number.NEGATIVE_INFINITY;
    initiateHandshake(contextOf(leftPeer), leftPeer, network.now, false);
    left.drain();
    network.run(25);
  }
  network.run(100);
  const { counters } = right.device;
  assert.is(counters['rate-limited-dropped'], 16 - sentBy(network, right, 'response').length);
  assert.ok(counters['rate-limited-dropped'] > 0);
  assert.is(sentBy(network, right, 'cookie-reply').length, 0);
});

test.run();
