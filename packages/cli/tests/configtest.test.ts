import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SETTINGS } from '../src/settings/table.ts';
import { type CliRig, type Ran, withRig } from './cli-rig.ts';

interface Found {
  readonly settings: readonly { readonly name: string; readonly value: unknown; readonly from: string }[];
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

async function inspect(
  rig: CliRig,
  config: string,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Found & Ran> {
  const file = join(rig.directory, 'config.yaml');
  writeFileSync(file, config);
  const ran = await rig.run(['configtest', '--config', file, '--json', ...args], { environment });
  return { ...ran, ...(JSON.parse(ran.out) as Found) };
}

test('every setting is listed, with where it comes from', () =>
  withRig(async (rig) => {
    const { settings, code, problems, warnings } = await inspect(
      rig,
      'port: 51821\ntun: mesh0\n',
      ['--port', '51822'],
      {
        PCLOUD_ACME_EMAIL: 'ops@example.org',
      },
    );
    assert.equal([code, problems, warnings], [0, [], []]);
    assert.equal(
      settings.map(({ name }) => name),
      Object.values(SETTINGS).map(({ name }) => name),
    );
    const of = (wanted: string) => {
      const { value, from } = settings.find(({ name }) => name === wanted)!;
      return [value, from.replace(rig.directory, '')];
    };
    assert.equal(of('port'), ['51822', '--port']);
    assert.equal(of('acme-email'), ['ops@example.org', 'PCLOUD_ACME_EMAIL']);
    assert.equal(of('tun'), ['mesh0', '"/config.yaml", tun']);
    assert.equal(of('network'), ['10.0.0.0/16', 'default']);
    assert.equal(of('open-registration'), ['false', 'default']);
    assert.equal(of('tls-key'), [null, 'default']);
  }));

test('all that is wrong is said at once, and not the first of it alone', () =>
  withRig(async (rig) => {
    const config = 'prot: 1\nport: many\nlisten: [nowhere, "0.0.0.0:8443"]\ndns: [auto, off]\n';
    const { problems, code } = await inspect(rig, config, ['--trusted-proxy', 'proxy.lan', '--tls-key', '/k.pem'], {
      PCLOUD_METRICS: 'x',
    });
    assert.is(code, 2);
    const parts = [
      'setting "prot"',
      'dns: expected one value',
      'port: expected',
      'listen: expected',
      'METRICS: expected',
    ];
    for (const part of [...parts, '"proxy.lan"', '--tls-certificate and --tls-key']) {
      assert.is(problems.filter((problem) => problem.includes(part)).length, 1, `${part} in ${problems.join('\n')}`);
    }
    assert.is(problems.length, parts.length + 2);
  }));

test('files that settings name, ranges, interfaces and places that clash are looked at', () =>
  withRig(async (rig) => {
    const { directory } = rig;
    writeFileSync(join(directory, 'bad.pem'), 'none');
    const missing = join(directory, 'missing.pem');
    const pem = join(directory, 'bad.pem');
    for (const [args, expected] of [
      [['--tls-certificate', missing, '--tls-key', missing], 'certificate file ".*missing.pem": ENOENT'],
      [['--tls-certificate', pem, '--tls-key', pem], 'bad.pem": expected PEM'],
      [['--acme-domain', 'a.example'], 'needs --acme-email'],
      [
        ['--acme-domain', 'a.example', '--acme-email', 'a@example.org', '--acme-ca-file', missing],
        'acme-ca-file .* cannot be read \\(ENOENT\\)',
      ],
      [['--network', '8.8.0.0/16'], 'network 8.8.0.0/16: expected'],
      [['--tun', 'a name with spaces'], 'interface name'],
      [['--tun', 'lo'], 'is not a TUN'],
      [['--listen', '127.0.0.1:9100', '--metrics', '9100'], '127.0.0.1:9100: is taken twice'],
    ] as const) {
      const { problems, code } = await inspect(rig, '', args);
      assert.is(code, 2);
      assert.is(problems.length, 1, problems.join('\n'));
      assert.match(problems[0]!, new RegExp(expected));
    }
  }));

test('what has no effect is a warning, and changes no exit code', () =>
  withRig(async (rig) => {
    const state = join(rig.directory, 'open');
    mkdirSync(state);
    chmodSync(state, 0o777);
    const args = ['--listen', '203.0.113.77:8443', '--state-dir', state];
    const { warnings, code } = await inspect(rig, '', args, { PCLOUD_STATEDIR: '/x', PCLOUD_CONFIG: '/y' });
    assert.is(code, 0);
    assert.equal(warnings, [
      'PCLOUD_STATEDIR: there is no such setting; it has no effect',
      '203.0.113.77:8443: this machine has no such address now',
      `state-dir "${state}": others than its owner may write there`,
    ]);
  }));

test('people read a table, what is wrong is on standard error, and nothing is made', () =>
  withRig(async (rig) => {
    const before = readdirSync(rig.directory);
    const { out, err, code } = await rig.run('configtest --port 70000', { columns: 120 });
    assert.is(code, 2);
    assert.match(out, /^SETTING +VALUE +FROM\n/);
    assert.match(out, /^port +70000 +--port$/m);
    assert.match(err, /^--port: expected 1 to 65535, got "70000"\npcloud: configtest: 1 wrong; nothing was changed\n$/);
    assert.equal(readdirSync(rig.directory), before);
    assert.not.ok(existsSync(join(rig.directory, 'state')));
    const missing = await rig.run('configtest --config /nowhere/config.yaml --json');
    assert.match(JSON.parse(missing.out).problems[0], 'cannot be read (ENOENT)');
  }));

test.run();
