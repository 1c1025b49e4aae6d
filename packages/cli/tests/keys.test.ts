import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { derivePublicKey, formatKey, generatePrivateKey, parseKey } from '../src/keys.ts';
import { VERSION } from '../src/version.ts';

const SCRIPT = new URL('../src/pcloud.ts', import.meta.url).pathname;

const NODE = [process.execPath, '-C', 'source', '--import', 'tsx', SCRIPT] as const;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: string[], options: SpawnSyncOptions): Ended {
  const [node, ...before] = NODE;
  return spawnSync(node, [...before, ...args], { ...options, encoding: 'utf8' });
}

function pcloud(args: string[], input = ''): Ended {
  return run(args, { input });
}

test('private keys are clamped', () => {
  const key = generatePrivateKey((out) => out.fill(0xff));
  assert.is(key[0], 0xf8);
  assert.is(key[31], 0x7f);
  assert.is(generatePrivateKey((out) => out.fill(0))[31], 0x40);
});

test('a public key is the one that node:crypto derives too', () => {
  const privateKey = generatePrivateKey((out) => out.set(Array.from(out, (_, i) => i * 7)));
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), privateKey]);
  const publicKey = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  const expected = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  assert.equal(Buffer.from(derivePublicKey(privateKey)), expected);
});

test('a key is 44 characters of base64, white space around it', () => {
  const key = new Uint8Array(32).fill(0xa5);
  assert.equal(parseKey(`${formatKey(key)}\n`), key);
  assert.equal(parseKey(`  ${formatKey(key)}`), key);
  for (const text of [
    '',
    'short',
    formatKey(key).slice(0, 43),
    `${formatKey(key)}=`,
    formatKey(new Uint8Array(33)),
    '_'.repeat(43),
  ]) {
    assert.throws(() => parseKey(text), /private key: expected 44 characters of base64/);
  }
});

test('what is refused is not shown, for it may be a key with one letter wrong', () => {
  const almost = `${formatKey(new Uint8Array(32).fill(0xa5)).slice(0, 43)}!`;
  try {
    parseKey(almost);
    assert.unreachable();
  } catch (error) {
    assert.not.match((error as Error).message, almost.slice(0, 20));
  }
});

test('genkey, pubkey and genpsk print a key and a newline', () => {
  const privateKey = pcloud(['genkey']);
  assert.is(privateKey.status, 0);
  assert.match(privateKey.stdout, /^[A-Za-z0-9+/]{43}=\n$/);
  const publicKey = pcloud(['pubkey'], privateKey.stdout);
  assert.is(publicKey.stdout, `${formatKey(derivePublicKey(parseKey(privateKey.stdout)))}\n`);
  assert.match(pcloud(['genpsk']).stdout, /^[A-Za-z0-9+/]{43}=\n$/);
});

test('pubkey of something else is one line and exit 1', () => {
  const { status, stdout, stderr } = pcloud(['pubkey'], 'hello\n');
  assert.is(status, 1);
  assert.is(stdout, '');
  assert.match(
    stderr,
    /^pcloud: private key: expected 44 characters of base64, got 5 characters that are not a key\n$/,
  );
});

test('a directory as standard input is one line and exit 1', () => {
  const directory = openSync('/', 'r');
  const { status, stderr } = run(['pubkey'], { stdio: [directory, 'pipe', 'pipe'] });
  closeSync(directory);
  assert.is(status, 1);
  assert.match(stderr, /^pcloud: [^\n]+\n$/);
});

test('pubkey waits for a pipe that does not block', () => {
  const setFlag =
    'import fcntl, os, sys; fcntl.fcntl(0, fcntl.F_SETFL, os.O_NONBLOCK); os.execv(sys.argv[1], sys.argv[1:])';
  const line = `(sleep 1; printf %s "$KEY") | python3 -c "${setFlag}" "$@"`;
  const key = formatKey(generatePrivateKey((out) => out.fill(3)));
  const { stdout, stderr } = spawnSync('bash', ['-c', line, 'bash', ...NODE, 'pubkey'], {
    env: { ...process.env, KEY: key },
    encoding: 'utf8',
  });
  assert.is(stdout, `${formatKey(derivePublicKey(parseKey(key)))}\n`, stderr);
});

test('an output that takes nothing is one line and exit 1', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = run(['genkey'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  assert.is(status, 1);
  assert.is(stderr, 'pcloud: standard output: cannot be written (ENOSPC)\n');
});

test('an unknown command is one line with a hint, and exit 2', () => {
  const { status, stderr } = pcloud(['frobnicate']);
  assert.is(status, 2);
  assert.is(stderr, `pcloud: unknown command 'frobnicate'; try "pcloud --help"\n`);
});

test('the version is that of the package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.is(VERSION, version);
  assert.is(pcloud(['version']).stdout, `${version}\n`);
});

test.run();
