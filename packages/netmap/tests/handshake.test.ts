import { readFileSync } from 'node:fs';
import type { Crypto, TransportKey } from '@pcloud/wireguard';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { controlPrologue, HANDSHAKE, type HandshakeResult } from '../src/channel/handshake.ts';
import { createInitiator, type Initiator } from '../src/channel/initiator.ts';
import { createResponder, type Responder } from '../src/channel/responder.ts';
import { aliasOf, bytes32, crypto, flips, LOW_ORDER_KEYS, publicOf, resized, secret } from './keys.ts';
import { type NoiseInput, runNoise } from './noise-twin.ts';

type Secrets = Omit<NoiseInput, 'payloads'>;

interface Vector extends Record<keyof Secrets, string> {
  readonly hash?: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

const EMPTY = new Uint8Array(0);
const SECRETS: Secrets = {
  prologue: controlPrologue(secret(9)),
  initiatorStatic: secret(1),
  responderStatic: secret(2),
  initiatorEphemeral: secret(3),
  responderEphemeral: secret(4),
};

function loadVectors(name: string): readonly { vector: Vector; secrets: Secrets }[] {
  const { tests } = JSON.parse(readFileSync(new URL(`./vectors/${name}.json`, import.meta.url), 'utf8')) as {
    tests: Vector[];
  };
  assert.ok(tests.length > 0);
  return tests.map((vector) => ({
    vector,
    secrets: {
      prologue: bytes(vector.prologue),
      initiatorStatic: bytes(vector.initiatorStatic),
      responderStatic: bytes(vector.responderStatic),
      initiatorEphemeral: bytes(vector.initiatorEphemeral),
      responderEphemeral: bytes(vector.responderEphemeral),
    },
  }));
}

function pair(secrets: Secrets = SECRETS, provider: Crypto = crypto): { initiator: Initiator; responder: Responder } {
  const { prologue } = secrets;
  return {
    initiator: createInitiator({
      crypto: provider,
      prologue,
      staticPrivate: secrets.initiatorStatic,
      remoteStatic: publicOf(secrets.responderStatic),
      ephemeralPrivate: secrets.initiatorEphemeral,
    }),
    responder: createResponder({
      crypto: provider,
      prologue,
      staticPrivate: secrets.responderStatic,
      ephemeralPrivate: secrets.responderEphemeral,
    }),
  };
}

function run({ initiator, responder }: { initiator: Initiator; responder: Responder }) {
  const request = initiator.start()!;
  const { response, result: server } = responder.respond(request)!;
  return { request, response, client: initiator.finish(response)!, server };
}

function sealed(key: TransportKey, plaintext: Uint8Array, counter = 0): string {
  const buffer = new Uint8Array(plaintext.length + 16);
  buffer.set(plaintext);
  key.seal(buffer, 0, plaintext.length, counter, 0);
  return hex(buffer);
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

function hex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

test('handshake and first transport messages are those of another implementation', () => {
  for (const { vector, secrets } of loadVectors('noise-ik')) {
    const { request, response, client, server } = run(pair(secrets));
    const [first, second, third, fourth] = vector.messages;
    assert.is(hex(request), first!.ciphertext);
    assert.is(hex(response), second!.ciphertext);
    assert.is(sealed(client.send, bytes(third!.payload)), third!.ciphertext);
    assert.is(sealed(server.send, bytes(fourth!.payload)), fourth!.ciphertext);
  }
});

test('the twin written from the specification gives the messages, hash and transport of a third implementation', () => {
  for (const { vector, secrets } of loadVectors('noise-ik-payloads')) {
    const [first, second, ...transport] = vector.messages;
    const made = runNoise(crypto, { ...secrets, payloads: [bytes(first!.payload), bytes(second!.payload)] });
    assert.equal(made.messages.map(hex), [first!.ciphertext, second!.ciphertext]);
    assert.is(hex(made.hash), vector.hash);
    const keys = made.keys.map((key) => crypto.createTransportKey(key));
    for (const [i, { payload, ciphertext }] of transport.entries()) {
      assert.is(sealed(keys[i % 2]!, bytes(payload), i >> 1), ciphertext);
    }
  }
});

test('any handshake is the twin’s, hash and keys included', () => {
  const secrets = fc.record({
    prologue: fc.uint8Array({ maxLength: 100 }),
    initiatorStatic: bytes32,
    responderStatic: bytes32,
    initiatorEphemeral: bytes32,
    responderEphemeral: bytes32,
  });
  fc.assert(
    fc.property(secrets, (input) => {
      const { request, response, client, server } = run(pair(input));
      const twin = runNoise(crypto, { ...input, payloads: [EMPTY, EMPTY] });
      assert.equal([request, response].map(hex), twin.messages.map(hex));
      for (const { hash } of [client, server]) assert.is(hex(hash), hex(twin.hash));
      const [first, second] = twin.keys.map((key) => sealed(crypto.createTransportKey(key), EMPTY));
      assert.equal(
        [client.send, server.receive].map((key) => sealed(key, EMPTY)),
        [first, first],
      );
      assert.equal(
        [server.send, client.receive].map((key) => sealed(key, EMPTY)),
        [second, second],
      );
      assert.is(hex(client.remoteStatic), hex(publicOf(input.responderStatic)));
      assert.is(hex(server.remoteStatic), hex(publicOf(input.initiatorStatic)));
    }),
    { numRuns: 10 },
  );
});

test('messages have the bytes that they are said to have', () => {
  const { request, response } = run(pair());
  assert.is(request.length, HANDSHAKE.REQUEST_BYTES);
  assert.is(response.length, HANDSHAKE.RESPONSE_BYTES);
});

test('a request with any byte changed or of another length is refused, and the true one still answered', () => {
  const { initiator, responder } = pair();
  const request = initiator.start()!;
  for (const altered of [...flips(request), ...resized(request)]) assert.is(responder.respond(altered), undefined);
  assert.is(hex(responder.respond(request)!.response), hex(run(pair()).response));
});

test('a response with any byte changed or of another length is refused, and the true one still taken', () => {
  const { initiator, responder } = pair();
  const { response } = responder.respond(initiator.start()!)!;
  for (const altered of [...flips(response), ...resized(response)]) assert.is(initiator.finish(altered), undefined);
  assert.is(hex(initiator.finish(response)!.hash), hex(run(pair()).client.hash));
});

test('a request of another prologue or for another server’s key is refused', () => {
  const request = pair().initiator.start()!;
  assert.is(pair({ ...SECRETS, prologue: controlPrologue(secret(10)) }).responder.respond(request), undefined);
  assert.is(pair({ ...SECRETS, responderStatic: secret(5) }).responder.respond(request), undefined);
});

test('a response to another request is refused', () => {
  const { initiator } = pair();
  initiator.start();
  const other = pair({ ...SECRETS, initiatorEphemeral: secret(6) });
  const { response } = other.responder.respond(other.initiator.start()!)!;
  assert.is(initiator.finish(response), undefined);
});

test('a remote key of low order or not canonical is never spoken to', () => {
  for (const remoteStatic of [...LOW_ORDER_KEYS, aliasOf(publicOf(secret(2)))]) {
    const initiator = createInitiator({
      crypto,
      prologue: SECRETS.prologue,
      staticPrivate: secret(1),
      ephemeralPrivate: secret(3),
      remoteStatic,
    });
    assert.is(initiator.start(), undefined);
  }
});

test('ephemerals and static keys of low order are refused by both ends', () => {
  for (const key of LOW_ORDER_KEYS) {
    const { initiator, responder } = pair();
    const request = initiator.start()!;
    request.set(key);
    assert.is(responder.respond(request), undefined);
    const response = new Uint8Array(HANDSHAKE.RESPONSE_BYTES);
    response.set(key);
    assert.is(initiator.finish(response), undefined);
  }
});

test('a machine that names its key in another encoding is refused', () => {
  const lying: Crypto = {
    ...crypto,
    publicKey: (key) => (hex(key) === hex(secret(1)) ? aliasOf(publicOf(key)) : publicOf(key)),
  };
  const request = pair(SECRETS, lying).initiator.start()!;
  assert.is(pair().responder.respond(request), undefined);
});

test('both ends are spent after one handshake, and after destroy', () => {
  const { initiator, responder } = pair();
  const { request, response } = run({ initiator, responder });
  assert.is(initiator.start(), undefined);
  assert.is(initiator.finish(response), undefined);
  assert.is(responder.respond(request), undefined);
  const ended = pair();
  ended.initiator.destroy();
  ended.responder.destroy();
  assert.is(ended.initiator.start(), undefined);
  assert.is(ended.responder.respond(request), undefined);
});

test('no secret outlives the handshake, and the caller’s keys stay as they are', () => {
  const secrets: Uint8Array[] = [];
  const keep = (value: Uint8Array): Uint8Array => {
    secrets.push(value);
    return value;
  };
  const watching: Crypto = {
    ...crypto,
    sharedSecret: (privateKey, publicKey) => {
      const shared = crypto.sharedSecret(keep(privateKey), publicKey);
      return shared && keep(shared);
    },
    hmac: (key, ...parts) => keep(crypto.hmac(keep(key), ...parts)),
  };
  const input = { ...SECRETS };
  const { initiator, responder } = pair(input, watching);
  const request = initiator.start()!;
  const { response } = responder.respond(request)!;
  for (const altered of flips(response)) initiator.finish(altered);
  initiator.finish(response);
  for (const altered of flips(request)) pair(input, watching).responder.respond(altered);
  const refusing = pair(input, watching).initiator;
  refusing.start();
  refusing.destroy();
  assert.ok(secrets.length > 100);
  // Responders that refused keep their own keys until their owner ends them.
  const own = new Set([hex(SECRETS.responderStatic)]);
  const left = secrets.filter((value) => value.some((byte) => byte !== 0) && !own.has(hex(value)));
  assert.equal(left.map(hex), []);
  assert.equal(input.initiatorStatic, secret(1));
  assert.equal(input.responderEphemeral, secret(4));
});

test('keys of another length are a caller’s mistake', () => {
  const short = new Uint8Array(31);
  for (const wrong of [{ staticPrivate: short }, { ephemeralPrivate: short }, { remoteStatic: short }]) {
    const options = {
      crypto,
      prologue: EMPTY,
      staticPrivate: secret(1),
      ephemeralPrivate: secret(2),
      remoteStatic: publicOf(secret(3)),
    };
    assert.throws(
      () => createInitiator({ ...options, ...wrong }),
      (error: { code: string }) => error.code === 'INVALID_KEY',
    );
  }
  assert.throws(() => controlPrologue(short), /network id: expected 32 bytes, got 31/);
});

test('the two results hold different keys for the two directions', () => {
  const { client, server }: { client: HandshakeResult; server: HandshakeResult } = run(pair());
  assert.is.not(sealed(client.send, EMPTY), sealed(server.send, EMPTY));
});

test('keys that are given stay as they are, also in Node Buffers', () => {
  const given = Object.fromEntries(Object.entries(SECRETS).map(([name, key]) => [name, Buffer.from(key)]));
  const { initiator, responder } = pair(given as unknown as Secrets);
  initiator.finish(Buffer.from(responder.respond(Buffer.from(initiator.start()!))!.response));
  for (const [name, key] of Object.entries(SECRETS)) assert.ok(given[name]!.equals(key), name);
});

test.run();
