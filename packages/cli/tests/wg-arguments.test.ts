import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseWgArguments, readLogLevel, type WgCommand } from '../src/wg-arguments.ts';

function run(args: string[], environment: Record<string, string> = {}): Extract<WgCommand, { kind: 'run' }> {
  const command = parseWgArguments(args, environment);
  if (command.kind !== 'run') throw new Error(`expected run, got ${command.kind}`);
  return command;
}

function refusal(args: string[], environment: Record<string, string> = {}): string {
  try {
    parseWgArguments(args, environment);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('not refused');
}

test('a name alone runs in the background with defaults', () => {
  const { foreground, options } = run(['wg0']);
  assert.not(foreground);
  assert.is(options.name, 'wg0');
  assert.is(options.offload, true);
  assert.is(options.crypto, undefined);
  assert.is(options.configPath, '/etc/wireguard/wg0.conf');
  assert.is(options.stateDir, '/var/lib/pcloud');
  assert.is(options.runtimeDir, '/run/pcloud');
  assert.is(options.tunDescriptor, undefined);
});

test('the foreground is chosen by -f, by --foreground and by the environment', () => {
  assert.ok(run(['-f', 'wg0']).foreground);
  assert.ok(run(['wg0', '--foreground']).foreground);
  assert.ok(run(['wg0'], { WG_PROCESS_FOREGROUND: '1' }).foreground);
  assert.not(run(['wg0'], { WG_PROCESS_FOREGROUND: '0' }).foreground);
});

test('values stand behind a space or an equals sign', () => {
  const { options } = run(['--crypto', 'noble', '--bind=dgram', '--offload=off', '--aead', 'evp', 'wg0']);
  assert.is(options.crypto, 'noble');
  assert.is(options.bind, 'dgram');
  assert.is(options.offload, false);
  assert.is(options.aead, 'evp');
});

test('directories come from options before the environment', () => {
  const environment = { PCLOUD_STATE_DIR: '/env/state', PCLOUD_RUNTIME_DIR: '/env/run' };
  assert.is(run(['wg0'], environment).options.stateDir, '/env/state');
  assert.is(run(['wg0'], environment).options.runtimeDir, '/env/run');
  assert.is(run(['--state-dir', '/s', 'wg0'], environment).options.stateDir, '/s');
});

test('descriptors come from the environment', () => {
  const { options } = run(['wg0'], { WG_TUN_FD: '5', WG_UAPI_FD: '6' });
  assert.is(options.tunDescriptor, 5);
  assert.is(options.uapiDescriptor, 6);
});

test('status takes a name or none', () => {
  assert.equal(parseWgArguments(['status'], {}), {
    kind: 'status',
    name: undefined,
    json: false,
    runtimeDir: '/run/pcloud',
  });
  assert.equal(parseWgArguments(['status', 'wg0', '--json', '--runtime-dir', '/r'], {}), {
    kind: 'status',
    name: 'wg0',
    json: true,
    runtimeDir: '/r',
  });
});

test('an interface may be called status, behind --', () => {
  assert.is(run(['-f', '--', 'status']).options.name, 'status');
});

test('help and version need nothing else', () => {
  assert.is(parseWgArguments(['--help'], {}).kind, 'help');
  assert.is(parseWgArguments(['-h', 'a', 'b'], {}).kind, 'help');
  assert.is(parseWgArguments(['--version'], {}).kind, 'version');
});

test('each misuse names the argument and its value', () => {
  assert.match(refusal([]), 'IFNAME is missing');
  assert.match(refusal(['wg0', 'wg1']), 'unexpected argument "wg1"');
  assert.match(refusal(['status', 'wg0', 'wg1']), 'unexpected argument "wg1"');
  assert.match(refusal(['--fast', 'wg0']), 'unknown option "--fast"');
  assert.match(refusal(['-x', 'wg0']), 'unknown option "-x"');
  assert.match(refusal(['--crypto', 'rot13', 'wg0']), '--crypto: expected noble, node, native, got "rot13"');
  assert.match(refusal(['--offload=maybe', 'wg0']), '--offload: expected on, off, got "maybe"');
  assert.match(refusal(['wg0', '--config']), '--config: expected a value, got none');
  assert.match(refusal(['wg0', '--json']), '--json belongs to');
  assert.match(refusal(['wg0'], { WG_TUN_FD: 'three' }), 'WG_TUN_FD: expected a file descriptor, got "three"');
  assert.match(refusal(['wg0'], { WG_UAPI_FD: '-1' }), 'WG_UAPI_FD: expected a file descriptor, got "-1"');
});

test('words that objects have by nature are no options', () => {
  assert.match(refusal(['--constructor', 'wg0']), 'unknown option');
  assert.match(refusal(['-__proto__', 'wg0']), 'unknown option');
});

test('log levels are those of wireguard-go, and one between', () => {
  assert.is(readLogLevel({}), 'info');
  assert.is(readLogLevel({ LOG_LEVEL: 'verbose' }), 'verbose');
  assert.is(readLogLevel({ LOG_LEVEL: 'debug' }), 'verbose');
  assert.is(readLogLevel({ LOG_LEVEL: 'error' }), 'error');
  assert.is(readLogLevel({ LOG_LEVEL: 'silent' }), 'silent');
  assert.throws(
    () => readLogLevel({ LOG_LEVEL: 'loud' }),
    'LOG_LEVEL: expected verbose, info, error or silent, got "loud"',
  );
});

test.run();
