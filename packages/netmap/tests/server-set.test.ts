import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  appendServerSet,
  canonicalJson,
  encodeBase64,
  formatNetworkId,
  networkId,
  openServerSet,
  parseNetworkId,
  type ServerSet,
  signKeyOf,
  signSeedOf,
  signServerSet,
  signStatement,
} from '../src/index.ts';
import { flips, publicOf, secret } from './keys.ts';

const ROOT = secret(100);
const NETWORK = networkId(signKeyOf(ROOT));

/** A set of the servers with these numbers. */
function setOf(number: number, ...servers: number[]): ServerSet {
  return {
    number,
    servers: servers.map((server) => ({
      channelKey: encodeBase64(publicOf(secret(server))),
      signKey: encodeBase64(signKeyOf(signSeedOf(secret(server)))),
      urls: [`https://10.0.0.${server}:8443`],
    })),
  };
}

/** A set with another behind it that these servers signed. */
function append(bytes: Uint8Array, set: ServerSet, ...signers: number[]): Uint8Array {
  const signatures = signers.map((server) => signStatement(NETWORK, set, signSeedOf(secret(server))));
  return appendServerSet(bytes, set, signatures)!;
}

function open(bytes: Uint8Array, previous?: ServerSet): ServerSet | string {
  const opened = openServerSet(bytes, { networkId: NETWORK, previous });
  return opened.kind === 'set' ? opened.set : opened.code;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const FIRST = setOf(1, 1, 2, 3);
const SIGNED = signServerSet(FIRST, ROOT);

test('a network’s id is the hash of its root’s key, 52 characters as text', () => {
  const id = formatNetworkId(NETWORK);
  assert.match(id, /^[a-z2-7]{52}$/);
  assert.equal(parseNetworkId(id), NETWORK);
  assert.is.not(formatNetworkId(networkId(signKeyOf(secret(101)))), id);
  for (const other of ['', id.slice(1), id.toUpperCase(), `${id}a`]) assert.is(parseNetworkId(other), undefined);
});

test('a set that the root signed opens, for who has none and for who has an older one', () => {
  assert.equal(open(SIGNED), FIRST);
  assert.equal(open(SIGNED, FIRST), FIRST);
  assert.equal(open(signServerSet(setOf(5, 4), ROOT), FIRST), setOf(5, 4));
});

test('a set with any byte changed or cut is refused', () => {
  const chain = append(SIGNED, setOf(2, 1, 2), 1, 2);
  for (const bytes of [SIGNED, chain]) {
    for (const altered of flips(bytes)) assert.type(open(altered), 'string');
  }
  for (let length = 0; length < SIGNED.length; length++) assert.is(open(SIGNED.slice(0, length)), 'MALFORMED');
});

test('a lower number is refused, and so is another set under the same', () => {
  const second = append(SIGNED, setOf(2, 1, 2), 1, 2);
  assert.is(open(SIGNED, setOf(2, 1, 2)), 'OLDER');
  assert.is(open(second, setOf(2, 1, 3)), 'CONFLICT');
  assert.is(open(signServerSet(setOf(1, 9), ROOT), FIRST), 'CONFLICT');
});

test('another network’s set is refused', () => {
  assert.is(open(signServerSet(FIRST, secret(101))), 'OTHER_NETWORK');
});

test('a signature for another network, by the same key, is refused', () => {
  const set = setOf(2, 1);
  const foreign = [1, 2].map((server) => signStatement(secret(5), set, signSeedOf(secret(server))));
  assert.is(open(appendServerSet(SIGNED, set, foreign)!, FIRST), 'UNSIGNED');
});

test('a majority of the set before makes a new one; half, strangers and one server many times do not', () => {
  const next = setOf(2, 2, 3, 4);
  for (const signers of [
    [1, 2],
    [2, 3],
    [1, 2, 3],
    [3, 1, 4],
  ]) {
    assert.equal(open(append(SIGNED, next, ...signers)), next);
    assert.equal(open(append(SIGNED, next, ...signers), FIRST), next);
  }
  for (const signers of [[1], [4], [4, 5, 6], [1, 4], [1, 1, 1]]) {
    assert.is(open(append(SIGNED, next, ...signers)), 'UNSIGNED');
    assert.is(open(append(SIGNED, next, ...signers), FIRST), 'UNSIGNED');
  }
  const pair = signServerSet(setOf(1, 1, 2), ROOT);
  assert.is(open(append(pair, next, 1)), 'UNSIGNED');
});

test('a wrong signature among enough right ones is refused', () => {
  const next = setOf(2, 2);
  const wrong = signStatement(NETWORK, setOf(3, 2), signSeedOf(secret(3)));
  const right = [1, 2].map((server) => signStatement(NETWORK, next, signSeedOf(secret(server))));
  assert.is(open(appendServerSet(SIGNED, next, [...right, wrong])!), 'UNSIGNED');
});

test('who joins today follows the sets from the root’s to the newest', () => {
  let bytes = SIGNED;
  for (const [i, set] of [setOf(2, 2, 3, 4), setOf(3, 3, 4, 5), setOf(7, 4, 5, 6)].entries()) {
    bytes = append(bytes, set, 2 + i, 3 + i);
    for (const previous of [undefined, FIRST, setOf(2, 2, 3, 4), set]) {
      if (previous === undefined || previous.number <= set.number) assert.equal(open(bytes, previous), set);
    }
  }
});

test('a server that signs its own changes has a chain of two, however many there were, which all can follow', () => {
  const sets = Array.from({ length: 70 }, (_, index) => setOf(index + 1, 1));
  let bytes = signServerSet(sets[0]!, ROOT);
  for (const set of sets.slice(1)) bytes = append(bytes, set, 1);
  for (const previous of [undefined, sets[0], sets[1], sets[40], sets[69]]) {
    assert.equal(open(bytes, previous), sets[69]);
  }
  assert.is(text(bytes).match(/"number":/g)!.length, 2);
});

test('a set stays in the chain while those who signed its successor did not sign for what was before', () => {
  const first = signServerSet(setOf(1, 1), ROOT);
  const moved = append(append(first, setOf(2, 1, 2), 1), setOf(3, 2), 1, 2);
  const newest = append(moved, setOf(4, 2), 2);
  for (const previous of [undefined, setOf(1, 1), setOf(2, 1, 2), setOf(3, 2)]) {
    assert.equal(open(newest, previous), setOf(4, 2));
  }
});

test('servers that were struck from the set speak for nothing any more', () => {
  const struck = append(SIGNED, setOf(2, 3, 4), 2, 3);
  assert.equal(open(struck, FIRST), setOf(2, 3, 4));
  const fork = append(SIGNED, setOf(99, 1, 2), 1, 2);
  assert.is(open(fork, setOf(2, 3, 4)), 'UNSIGNED');
  assert.is(open(append(struck, setOf(3, 1, 2), 1, 2), FIRST), 'UNSIGNED');
});

test('the root repairs after a theft, over the heads of all servers', () => {
  const repaired = setOf(9, 7);
  assert.equal(open(signServerSet(repaired, ROOT), setOf(8, 1, 2)), repaired);
});

test('numbers in a chain only go up', () => {
  assert.is(open(append(SIGNED, FIRST, 1, 2)), 'MALFORMED');
  assert.is(open(append(append(SIGNED, setOf(3, 1), 1, 2), setOf(2, 1), 1)), 'MALFORMED');
});

test('a key of low order, which signs anything under lax rules, signs nothing here', () => {
  const forged = { key: encodeBase64(new Uint8Array(32)), signature: encodeBase64(new Uint8Array(64)) };
  const lowOrder: ServerSet = { number: 1, servers: [{ ...setOf(1, 1).servers[0]!, signKey: forged.key }] };
  const bytes = appendServerSet(signServerSet(lowOrder, ROOT), setOf(2, 9), [forged])!;
  assert.is(open(bytes), 'UNSIGNED');
});

test('signing keys and channel keys are different keys of one secret', () => {
  assert.is.not(encodeBase64(signSeedOf(secret(1))), encodeBase64(secret(1)));
  assert.equal(signSeedOf(secret(1)), signSeedOf(secret(1)));
  assert.is.not(encodeBase64(signSeedOf(secret(1))), encodeBase64(signSeedOf(secret(2))));
  assert.throws(() => signSeedOf(new Uint8Array(31)), /channel private key: expected 32 bytes/);
});

test('what is no set is not signed', () => {
  const [server] = FIRST.servers;
  const wrong: readonly ServerSet[] = [
    { number: 0, servers: FIRST.servers },
    { number: 1.5, servers: FIRST.servers },
    { number: 1, servers: [] },
    { number: 1, servers: [server!, server!] },
    { number: 1, servers: [{ ...server!, urls: [] }] },
    { number: 1, servers: [{ ...server!, urls: ['http://a'] }] },
    { number: 1, servers: [{ ...server!, channelKey: 'x' }] },
    { number: 1, servers: Array.from({ length: 33 }, (_, i) => setOf(1, i).servers[0]!) },
  ];
  for (const set of wrong) {
    assert.throws(
      () => signServerSet(set, ROOT),
      (error: { code: string }) => error.code === 'INVALID_VALUE',
    );
  }
});

test('another form of the same value, and members that nobody knows, are refused', () => {
  const value = JSON.parse(text(SIGNED)) as Record<string, unknown>;
  const forms = [
    ` ${text(SIGNED)}`,
    JSON.stringify(value, null, 1),
    JSON.stringify(Object.fromEntries(Object.entries(value).reverse())),
    canonicalJson({ ...value, extra: 1 }),
    text(SIGNED).replace('{', '{"__proto__":{},'),
    text(SIGNED).replace('"number":1', '"number":1.0'),
  ];
  for (const form of forms) {
    assert.is.not(form, text(SIGNED));
    assert.is(open(Buffer.from(form)), 'MALFORMED');
  }
});

test('bytes of any kind are refused without a throw', () => {
  const json = fc.json().map((value) => new TextEncoder().encode(value));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), json), (bytes) => {
      assert.is(open(bytes), 'MALFORMED');
      assert.is(appendServerSet(bytes, FIRST, []), undefined);
    }),
  );
  assert.is(open(new Uint8Array(70_000).fill(0x20)), 'MALFORMED');
});

test.run();
