/** How long cookies and their secrets live: whitepaper 5.4.7. */
import { parseEndpoint } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isZero } from '../src/bytes.ts';
import { createCookieChecker, createCookieJar } from '../src/cookie.ts';
import { createNobleCrypto } from '../src/index.ts';
import { createSeededRandom } from './sim/random.ts';

const crypto = createNobleCrypto();
const HERE = parseEndpoint('192.0.2.1:51820')!;
const T = 1_000_000;

function create() {
  const random = createSeededRandom(1);
  const publicKey = crypto.publicKey(random.key());
  const checker = createCookieChecker(crypto, publicKey, random.fill);
  const jar = createCookieJar(crypto, publicKey);
  const message = random.key();
  const write = (now: number): Uint8Array => {
    const bytes = new Uint8Array(148);
    bytes.set(message);
    jar.writeMacs(bytes, now);
    return bytes;
  };
  /** Takes a cookie now. */
  const fetch = (now: number, source = HERE): boolean =>
    jar.handleReply(checker.createReply(write(now), 7, source, now), now);
  const hasMac2 = (now: number): boolean => !isZero(write(now).subarray(132));
  return { checker, jar, write, fetch, hasMac2 };
}

test('a sender uses a cookie for less than 115 s', () => {
  const { fetch, hasMac2 } = create();
  assert.not(hasMac2(T));
  assert.ok(fetch(T));
  assert.ok(hasMac2(T));
  assert.ok(hasMac2(T + 114_999));
  assert.not(hasMac2(T + 115_000));
});

test('a later cookie counts from when it came', () => {
  const { fetch, hasMac2 } = create();
  fetch(T);
  fetch(T + 100_000);
  assert.ok(hasMac2(T + 214_999));
  assert.not(hasMac2(T + 215_000));
});

test('a cookie is honoured for as long as its secret lives, 120 s', () => {
  const { checker, write, fetch } = create();
  fetch(T);
  const message = write(T);
  assert.ok(checker.isMac2Valid(message, HERE, T + 120_000));
  assert.not(checker.isMac2Valid(message, HERE, T + 120_001));
});

test('cookies are of one secret for 120 s, then of another', () => {
  const { checker, write, fetch } = create();
  fetch(T);
  const early = write(T);
  fetch(T + 120_000);
  assert.ok(checker.isMac2Valid(early, HERE, T + 120_000), 'the same secret still');
  fetch(T + 120_001);
  assert.not(checker.isMac2Valid(early, HERE, T + 120_001), 'another one');
  assert.ok(checker.isMac2Valid(write(T + 120_001), HERE, T + 120_001));
});

test('a cookie is of an address and a port, in IPv4 and IPv6', () => {
  const sources = ['192.0.2.1:51820', '192.0.2.1:51821', '192.0.2.1:52076', '192.0.2.2:51820', '[2001:db8::1]:51820'];
  sources.push('[2001:db8::1]:51821', '[2001:db8::2]:51820', '[2001:db8:0:1::1]:51820');
  for (const mine of sources) {
    const { checker, write, fetch } = create();
    fetch(T, parseEndpoint(mine)!);
    const message = write(T);
    for (const other of sources) {
      assert.is(checker.isMac2Valid(message, parseEndpoint(other)!, T), mine === other, `${mine} from ${other}`);
    }
  }
});

test('without a secret there is no valid MAC2', () => {
  const { checker, write } = create();
  const zeros = write(T);
  assert.not(checker.isMac2Valid(zeros, HERE, T));
  // The MAC under a secret of zeros, which anybody can compute.
  const guess = crypto.mac(new Uint8Array(32), Uint8Array.of(192, 0, 2, 1, 51820 >> 8, 51820 & 0xff));
  zeros.set(crypto.mac(guess, zeros.subarray(0, 132)), 132);
  assert.not(checker.isMac2Valid(zeros, HERE, 0));
});

test('every byte of a MAC counts', () => {
  const { checker, write, fetch } = create();
  fetch(T);
  const message = write(T);
  for (let at = 0; at < 148; at++) {
    const changed = message.slice();
    changed[at]! ^= 0x10;
    assert.is(checker.isMac1Valid(changed), at >= 132, `byte ${at}`);
    assert.not(checker.isMac2Valid(changed, HERE, T), `byte ${at}`);
  }
});

test('a secret that was given up is zero and gives no more MACs', () => {
  const { checker, write, fetch } = create();
  fetch(T);
  const message = write(T);
  checker.destroy();
  assert.not(checker.isMac2Valid(message, HERE, T));
});

test('a jar that was given up writes no more MAC2', () => {
  const { jar, fetch, hasMac2 } = create();
  fetch(T);
  jar.destroy();
  assert.not(hasMac2(T));
});

test.run();
