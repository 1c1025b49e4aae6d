import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Asked, type CliRig, Refusal, withRig } from './cli-rig.ts';

const TEXT = '{\n\t// Nobody reaches anybody.\n  "rules": [],\n}\n';
const SOUND = { problems: [], warnings: [], failures: [] };

/** A coordinator that answers these operations. */
function serve(rig: CliRig, results: Readonly<Record<string, unknown>>): Promise<void> {
  return rig.serve('coordinator.sock', ({ request }: Asked) => {
    const operation = request.split('/').at(-1)!;
    return operation in results ? results[operation] : new Refusal('OPERATION_UNKNOWN', operation);
  });
}

test('get prints the policy as it was written, to be edited and set', () =>
  withRig(async (rig) => {
    await serve(rig, { 'policy.get': { text: TEXT.replaceAll('\n', '\r\n'), isDefault: false, revision: 7 } });
    assert.is((await rig.run('policy get')).out, TEXT);
  }));

test('set checks first, and puts in force what a file or standard input has', () =>
  withRig(async (rig) => {
    await serve(rig, { 'policy.check': SOUND, 'policy.set': { revision: 8, warnings: [] } });
    const file = join(rig.directory, 'policy.hujson');
    writeFileSync(file, TEXT);
    const fromFile = await rig.run(['policy', 'set', file]);
    assert.is(fromFile.code, 0, fromFile.err);
    await rig.run('policy set -', { input: TEXT });
    const asked = rig.asked.map(({ request, input }) => [request.split('/').at(-1), input]);
    const once = [
      ['policy.check', { text: TEXT }],
      ['policy.set', { text: TEXT }],
    ];
    assert.equal(asked, [...once, ...once]);
  }));

test('all that is wrong is said, a line each, and nothing is set', () =>
  withRig(async (rig) => {
    const problems = ['line 1, column 2: one', 'line 3, column 4: another'];
    await serve(rig, { 'policy.check': { ...SOUND, problems, warnings: ['line 9: nobody is called so'] } });
    const { code, err } = await rig.run('policy set -', { input: TEXT });
    assert.is(code, 1);
    for (const line of ['warning: line 9: nobody is called so', ...problems]) assert.match(err, `${line}\n`);
    assert.match(err, 'the policy cannot be set (2); the one in force stays');
    assert.is(rig.asked.length, 1);
  }));

test('tests that do not hold are a failure, of check and of test', () =>
  withRig(async (rig) => {
    const failures = ['line 5, column 1, tests[0]: expected accept'];
    await serve(rig, { 'policy.check': { ...SOUND, failures }, 'policy.test': { failures } });
    for (const line of ['policy check -', 'policy test']) {
      const { code, err } = await rig.run(line, { input: TEXT });
      assert.is(code, 1, line);
      assert.match(err, failures[0]!, line);
    }
  }));

for (const [goal, asked] of [
  ['nas:22', { to: 'nas', port: 22 }],
  ['nas', { to: 'nas', port: 0 }],
  ['10.0.0.9:443', { to: '10.0.0.9', port: 443 }],
  ['[fd00::9]:443', { to: 'fd00::9', port: 443 }],
  ['fd00::9', { to: 'fd00::9', port: 0 }],
] as const) {
  test(`a trace to ${goal} asks for what it says`, () =>
    withRig(async (rig) => {
      await serve(rig, { 'policy.trace': { allowed: true, text: 'laptop to nas: allowed' } });
      const { code, out, err } = await rig.run(['policy', 'trace', 'laptop', goal]);
      assert.is(code, 0, err);
      assert.is(out, 'laptop to nas: allowed\n');
      assert.equal(rig.asked[0]!.input, { from: 'laptop', ...asked, protocol: 'tcp' });
    }));
}

test('a goal that is none is wrong usage, as is a file that is not there', () =>
  withRig(async (rig) => {
    assert.is((await rig.run(['policy', 'trace', 'laptop', 'nas:99999'])).code, 2);
    assert.is((await rig.run(['policy', 'trace', 'laptop', 'nas:http'])).code, 2);
    assert.is((await rig.run('policy set /nowhere')).code, 2);
  }));

test.run();
