import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CliError } from '../src/exit.ts';
import { parseConfig } from '../src/settings/config-file.ts';
import {
  parseDuration,
  parseListen,
  parseNetwork,
  parsePort,
  parsePublicUrl,
  parseSwitch,
} from '../src/settings/parse.ts';
import { type Flags, readSettings } from '../src/settings/read.ts';
import { SETTINGS } from '../src/settings/table.ts';

async function withConfig(text: string, act: (path: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-settings-'));
  const path = join(directory, 'config.yaml');
  writeFileSync(path, text);
  await act(path).finally(() => rmSync(directory, { recursive: true }));
}

async function refusalOf(act: Promise<unknown>): Promise<CliError> {
  try {
    await act;
  } catch (error) {
    assert.instance(error, CliError);
    return error as CliError;
  }
  throw new Error('nothing was refused');
}

test('a flag wins over a variable, and a variable over the file', () =>
  withConfig('port: 1\nname: file\ntun: file0\n', async (config) => {
    const environment = { PCLOUD_PORT: '2', PCLOUD_NAME: 'variable' };
    const settings = await readSettings({ config, port: '3' }, environment);
    assert.equal([settings.port, settings.name, settings.tun], [3, 'variable', 'file0']);
  }));

test('what is set nowhere is as the documents say', async () => {
  const settings = await readSettings({ config: '/dev/null' }, {});
  assert.is(settings.stateDir, '/var/lib/pcloud');
  assert.is(settings.runtimeDir, '/run/pcloud');
  assert.is(settings.tun, 'pcloud0');
  assert.is(settings.name, hostname());
  assert.is(settings.port, undefined);
});

test('a variable holds a list with commas between, and a file has a list of its own', () =>
  withConfig('public-url: [https://a:1, https://b]\nlisten: 127.0.0.1:1\n', async (config) => {
    const fromFile = await readSettings({ config }, {});
    assert.equal(fromFile.publicUrls, ['https://a:1', 'https://b']);
    assert.equal(fromFile.listen, [{ address: '127.0.0.1', port: 1 }]);
    const fromVariable = await readSettings({ config }, { PCLOUD_PUBLIC_URL: 'https://c, https://d:2' });
    assert.equal(fromVariable.publicUrls, ['https://c', 'https://d:2']);
  }));

test('a path is absolute, for a program in the background has another working directory', async () => {
  const settings = await readSettings({ config: '/dev/null', stateDir: 'here' }, {});
  assert.is(settings.stateDir, join(process.cwd(), 'here'));
});

for (const [where, flags, environment, message] of [
  ['flag', { port: '0' }, {}, /^--port: expected 1 to 65535, got "0"$/],
  ['flag of a choice', { dns: 'on' }, {}, /^--dns: expected auto or off, got "on"$/],
  ['variable', {}, { PCLOUD_NETWORK: '10.0.0.0/33' }, /^PCLOUD_NETWORK: expected an IPv4 range/],
  [
    'file',
    { config: '/nowhere.yaml' },
    {},
    /^"\/nowhere.yaml": cannot be read \(ENOENT\); name another file with --config$/,
  ],
] as const) {
  test(`a wrong value says where it stands: ${where}`, async () => {
    const error = await refusalOf(readSettings(flags as Flags, environment));
    assert.is(error.ending, 'usage');
    assert.match(error.message, message);
  });
}

for (const [text, message] of [
  ['prot: 1', /there is no setting "prot"; they are state-dir, runtime-dir/],
  ['port: [1, 2]', /"c", port: expected one value$/],
  ['name: {a: 1}', /"c", name: expected one value$/],
  ['- a', /expected lines such as "port: 51820"$/],
  ['a: "', /^"c": .* at line 1/],
  ['port: 1\nport: 2', /^"c": Map keys must be unique/],
] as const) {
  test(`a configuration file of ${JSON.stringify(text)} is one line that names the file`, async () => {
    const error = await refusalOf(parseConfig(text, 'c'));
    assert.is(error.ending, 'usage');
    assert.match(error.message, message);
    assert.not.match(error.message, '\n');
  });
}

test('an empty file sets nothing', async () => {
  assert.is((await parseConfig('# nothing\n', 'c')).size, 0);
});

test('a network is an IPv4 range that has room', () => {
  assert.equal(parseNetwork('10.77.0.0/16'), { address: new Uint8Array([10, 77, 0, 0]), length: 16 });
  assert.equal(parseNetwork('10.77.1.1/16'), parseNetwork('10.77.0.0/16'));
  for (const text of ['10.0.0.0', '10.0.0.0/7', '10.0.0.0/29', 'fd00::/64', '']) {
    assert.throws(() => parseNetwork(text), /expected an IPv4 range from \/8 to \/28/);
  }
});

test('an address to listen on has brackets where it is IPv6', () => {
  assert.equal(parseListen('[::]:8443'), { address: '::', port: 8_443 });
  assert.equal(parseListen('192.0.2.1:443'), { address: '192.0.2.1', port: 443 });
  for (const text of [':8443', '8443', 'localhost:1', ':::1', '[::]', '1.2.3.4:0', '1.2.3.4:65536', '1.2.3:1']) {
    assert.throws(() => parseListen(text), /expected ADDRESS:PORT/, text);
  }
});

test('a public URL is HTTPS, a host, and nothing behind it', () => {
  assert.is(parsePublicUrl('https://Home.example:443/'), 'https://home.example');
  for (const text of ['http://a', 'https://a/b', 'https://a?b', 'https://u@a', 'a']) {
    assert.throws(() => parsePublicUrl(text), /expected https:\/\/HOST:PORT/, text);
  }
});

test('a time has a unit', () => {
  assert.equal(
    ['250ms', '90s', '1.5h', '7d', '2w'].map(parseDuration),
    [250, 90_000, 5_400_000, 604_800_000, 1_209_600_000],
  );
  for (const text of ['1', '-1s', '0s', '1y', '']) assert.throws(() => parseDuration(text), /expected a time such as/);
});

test('a port is a number from 1, and a switch true or false', () => {
  assert.is(parsePort('51820'), 51_820);
  for (const text of ['0', '65536', '1.5', 'x']) assert.throws(() => parsePort(text), /expected 1 to 65535/);
  assert.throws(() => parseSwitch('yes'), /expected true or false/);
});

test('no two settings have one name', () => {
  const names = Object.values(SETTINGS).map(({ name }) => name);
  assert.is(new Set(names).size, names.length);
});

test.run();
