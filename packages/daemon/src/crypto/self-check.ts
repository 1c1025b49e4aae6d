import type { Crypto } from '@pcloud/wireguard';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (value: Uint8Array | undefined): string | undefined => value && Buffer.from(value).toString('hex');
const sequence = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);

/** RFC 7748 6.1. */
const ALICE = '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a';
const ALICE_PUBLIC = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a';
const BOB_PUBLIC = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f';
const SHARED = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

/** Wycheproof, xchacha20_poly1305_test.json, test 5. */
const COOKIE = {
  key: '697c197c9e0023c8eee42ddf08c12c46718a436561b0c66d998c81879f7cb74c',
  nonce: 'cd78f4533c94648feacd5aef0291b00b454ee3dcdb76dcc8',
  aad: '6384f4714ff18c18',
  message: 'e1',
  sealed: 'b0e5e35f5332f91bdd2d28e59d68a0b141',
};

/** 0, 1, 2, … of 17 bytes, sealed by OpenSSL under the key 0, 1, 2, …; the counter as two halves. */
const PACKETS = [
  { low: 0, high: 0, sealed: '18b94032a9e3a0d61b68566aa34e4028e8873e867545b22b433592308970197bfc' },
  { low: 0xffffffff, high: 0, sealed: 'ea6af44c24a115412efacb0bc677152c91af896aba54deb84f2629373721ab7d3f' },
  { low: 0, high: 1, sealed: '537103750dde416a8ed8aaccc9c8ed9c56fbbdbc8a5b44ef29048a942d9a404d9e' }, // 2^32
  { low: 1, high: 0x200000, sealed: '4d8f38494ddb79dee342228067dfece86d406f026d677414e671ee447728dfcfa8' }, // 2^53 + 1
  { low: 0xffffdfff, high: 0xffffffff, sealed: '009b37071b999fe78bd86258e27d43476dbc2a3bb10e26332c2f49104fbad0afd4' },
];

/** One operation, and the check that says whether it works. */
const CHECKS: readonly (readonly [operation: string, works: (crypto: Crypto) => boolean])[] = [
  ['public key', (crypto) => hex(crypto.publicKey(bytes(ALICE))) === ALICE_PUBLIC],
  ['shared secret', (crypto) => hex(crypto.sharedSecret(bytes(ALICE), bytes(BOB_PUBLIC))) === SHARED],
  ['low-order point', (crypto) => LOW_ORDER.every((u) => crypto.sharedSecret(bytes(ALICE), bytes(u)) === undefined)],
  [
    'hash',
    (crypto) =>
      hex(crypto.hash(sequence(60), bytes('3c3d3e3f40'))) ===
      '1b53ee94aaf34e4b159d48de352c7f0661d0a40edff95a0b1639b4090e974472',
  ],
  ['mac', (crypto) => hex(crypto.mac(sequence(32), sequence(65))) === '811ff8686d23a435ecbd0bdafcd27b1b'],
  [
    'mac under a short key',
    (crypto) => hex(crypto.mac(sequence(16), sequence(65))) === '9018c671bb7e94a6d540a91765bbecad',
  ],
  [
    'hmac',
    (crypto) =>
      hex(crypto.hmac(sequence(32), sequence(65))) ===
      'e0bf9ad5f46ae7cb59268a338f24391ad8cc125148746599da55803c3d80c2e2',
  ],
  ['handshake payload', worksForHandshakes],
  ['cookie', worksForCookies],
  ['transport packet', (crypto) => PACKETS.every((packet) => worksForPacket(crypto, packet))],
];

/**
 * Runs a provider over known answers: every operation, a low-order point, bad tags, and counters around 2^32 and
 * above 2^53. Takes some 10 ms in a cold process, of noble 35 ms, most of it compiling.
 * @returns what does not work, or undefined
 */
export function checkCrypto(crypto: Crypto): string | undefined {
  for (const [operation, works] of CHECKS) {
    try {
      if (!works(crypto)) return `${operation}: wrong answer`;
    } catch (error) {
      return `${operation}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return undefined;
}

function worksForHandshakes(crypto: Crypto): boolean {
  const sealed = bytes('18b94032a9e3a0d61b68566aa34e4028e832332723b3f6599059f84d7deb3ccce7');
  const [key, message, aad] = [sequence(32), sequence(17), sequence(5)];
  return (
    hex(crypto.seal(key, message, aad)) === hex(sealed) &&
    hex(crypto.open(key, sealed, aad)) === hex(message) &&
    crypto.open(key, sealed, sequence(4)) === undefined &&
    crypto.open(key, withBadTag(sealed), aad) === undefined
  );
}

function worksForCookies(crypto: Crypto): boolean {
  const [key, nonce, aad, sealed] = [COOKIE.key, COOKIE.nonce, COOKIE.aad, COOKIE.sealed].map(bytes) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  return (
    hex(crypto.sealX(key, nonce, bytes(COOKIE.message), aad)) === COOKIE.sealed &&
    hex(crypto.openX(key, nonce, sealed, aad)) === COOKIE.message &&
    crypto.openX(key, nonce, withBadTag(sealed), aad) === undefined
  );
}

function worksForPacket(crypto: Crypto, { low, high, sealed }: (typeof PACKETS)[number]): boolean {
  const key = crypto.createTransportKey(sequence(32));
  try {
    const packet = new Uint8Array(33);
    packet.set(sequence(17));
    key.seal(packet, 0, 17, low, high);
    if (hex(packet) !== sealed) return false;
    if (key.open(withBadTag(packet), 0, 33, low, high)) return false;
    if (key.open(packet.slice(), 0, 33, low, (high ^ 1) >>> 0)) return false;
    return key.open(packet, 0, 33, low, high) && hex(packet.subarray(0, 17)) === hex(sequence(17));
  } finally {
    key.destroy();
  }
}

function withBadTag(sealed: Uint8Array): Uint8Array {
  const copy = sealed.slice();
  copy[copy.length - 1]! ^= 1;
  return copy;
}
