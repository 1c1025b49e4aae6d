/**
 * What does each operation cost, by provider of cryptography?
 *
 *     node -C source --import tsx bench/crypto.ts [--rounds 15] [--json FILE|-]
 *
 * Providers take turns within a round, so that a slow moment of the machine meets all of them; a figure is the
 * median over the rounds, microseconds per operation on one thread. `native` seals one packet a call here; the
 * addon's plane seals batches, and `bench/throughput.ts` asks about those.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadNative } from '@pcloud/native';
import { type Crypto, createNobleCrypto } from '@pcloud/wireguard';
import { createNativeCrypto } from '../packages/daemon/src/crypto/native.ts';
import { createNodeCrypto } from '../packages/daemon/src/crypto/node.ts';
import { describeMachine, type Machine } from './lib/machine.ts';
import { median, short, table } from './lib/numbers.ts';

/** What `--json` has: microseconds per operation, the median of the rounds, by operation and provider. */
export interface CryptoResult {
  readonly machine: Machine;
  readonly rounds: number;
  readonly microseconds: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Why a provider is missing. */
  readonly missing: Readonly<Record<string, string>>;
}

const ROUND_MS = 8;
const SIZES = [64, 512, 1420];

/** Each makes a function that does the operation once. */
const OPERATIONS: Readonly<Record<string, (crypto: Crypto) => () => unknown>> = {
  ...Object.fromEntries(SIZES.map((size) => [`seal ${size} B`, (crypto: Crypto) => sealing(crypto, size)])),
  ...Object.fromEntries(SIZES.map((size) => [`open ${size} B`, (crypto: Crypto) => opening(crypto, size, true)])),
  'refuse 64 B with a bad tag': (crypto) => opening(crypto, 64, false),
  'new transport key': (crypto) => {
    const key = filled(32, 4);
    return () => crypto.createTransportKey(key).destroy();
  },
  'x25519, known private key': (crypto) => {
    const [key, point] = [filled(32, 1), crypto.publicKey(filled(32, 2))];
    return () => crypto.sharedSecret(key, point);
  },
  'x25519, new private key and its public key': (crypto) => {
    let seed = 0;
    return () => crypto.publicKey(filled(32, seed++));
  },
  'mac1 check of an initiation': (crypto) => {
    const [key, message] = [filled(32, 3), filled(148, 5)];
    const covered = message.subarray(0, 116);
    message.set(crypto.mac(key, covered), 116);
    return () => crypto.mac(key, covered).every((byte, i) => byte === message[116 + i]);
  },
  'hash of 64 B': (crypto) => {
    const input = filled(64, 6);
    return () => crypto.hash(input);
  },
  'hmac of 32 B': (crypto) => {
    const [key, input] = [filled(32, 7), filled(32, 8)];
    return () => crypto.hmac(key, input);
  },
  'seal a static key for a handshake': (crypto) => {
    const [key, plaintext, transcript] = [filled(32, 9), filled(32, 10), filled(32, 11)];
    return () => crypto.seal(key, plaintext, transcript);
  },
  'seal a cookie': (crypto) => {
    const [key, nonce, cookie, mac1] = [filled(32, 12), filled(24, 13), filled(16, 14), filled(16, 15)];
    return () => crypto.sealX(key, nonce, cookie, mac1);
  },
};

function filled(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => seed * 31 + i * 7);
}

function sealing(crypto: Crypto, size: number): () => unknown {
  const key = crypto.createTransportKey(filled(32, 4));
  const packet = filled(size + 16, 5);
  let counter = 0;
  return () => key.seal(packet, 0, size, counter++, 0);
}

/** Includes a copy, as opening in place uses up the ciphertext: some 30 ns. */
function opening(crypto: Crypto, size: number, isGood: boolean): () => unknown {
  const key = crypto.createTransportKey(filled(32, 4));
  const sealed = filled(size + 16, 5);
  key.seal(sealed, 0, size, 1, 0);
  const packet = new Uint8Array(size + 16);
  return () => {
    packet.set(sealed);
    if (key.open(packet, 0, size + 16, isGood ? 1 : 2, 0) !== isGood) throw new Error(`${crypto.name} opened wrongly`);
  };
}

/** Microseconds per call, over as many calls as fill a round. */
function timeOnce(operation: () => unknown): number {
  const start = process.hrtime.bigint();
  const end = start + BigInt(ROUND_MS * 1e6);
  let calls = 0;
  let now = start;
  do {
    for (let i = 0; i < 8; i++) operation();
    calls += 8;
    now = process.hrtime.bigint();
  } while (now < end);
  return Number(now - start) / calls / 1000;
}

function everyProvider(): { providers: Map<string, Crypto>; missing: Record<string, string> } {
  const providers = new Map([
    ['noble', createNobleCrypto()],
    ['node', createNodeCrypto()],
  ]);
  const native = loadNative();
  if ('reason' in native) return { providers, missing: { native: native.reason } };
  for (const aead of native.addon.aeadNames()) providers.set(`native, ${aead}`, createNativeCrypto(native.addon, aead));
  return { providers, missing: {} };
}

function measure(rounds: number): CryptoResult {
  const { providers, missing } = everyProvider();
  const microseconds: Record<string, Record<string, number>> = {};
  for (const [name, prepare] of Object.entries(OPERATIONS)) {
    const contestants = [...providers].map(([provider, crypto]) => ({
      provider,
      operation: prepare(crypto),
      times: [] as number[],
    }));
    for (const { operation } of contestants) timeOnce(operation); // for the compiler
    for (let round = 0; round < rounds; round++) {
      for (const { operation, times } of contestants) times.push(timeOnce(operation));
    }
    microseconds[name] = Object.fromEntries(contestants.map(({ provider, times }) => [provider, median(times)]));
  }
  return { machine: describeMachine([]), rounds, microseconds, missing };
}

const { values } = parseArgs({ options: { rounds: { type: 'string' }, json: { type: 'string' } } });
const result = measure(Number(values.rounds ?? 15));
const json = `${JSON.stringify(result, undefined, 2)}\n`;
if (values.json === '-') process.stdout.write(json);
else {
  const { machine, microseconds, missing } = result;
  const columns = Object.keys(Object.values(microseconds)[0]!);
  const rows = Object.entries(microseconds).map(([name, by]) => [name, ...columns.map((column) => short(by[column]!))]);
  console.log(`${machine.processor}, Linux ${machine.kernel}, Node ${machine.node}, OpenSSL ${machine.openssl}\n`);
  console.log(table([['µs per operation', ...columns], ...rows]));
  for (const [name, reason] of Object.entries(missing)) console.log(`\nwithout ${name}: ${reason}`);
}
if (values.json && values.json !== '-') writeFileSync(values.json, json);
