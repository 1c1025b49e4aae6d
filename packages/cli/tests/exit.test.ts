import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CliError, EXIT, endingOf } from '../src/exit.ts';
import { describeError } from '../src/run.ts';
import { Refusal, withRig } from './cli-rig.ts';

test('what the daemon answers decides the exit code', () =>
  withRig(async (rig) => {
    let refusal = new Refusal('', '');
    await rig.serve('daemon.sock', () => refusal);
    for (const [code, exit] of [
      ['TIMED_OUT', EXIT.timedOut],
      ['NO_ANSWER', EXIT.timedOut],
      ['NOT_CONNECTED', EXIT.notRunning],
      ['BAD_OPTION', EXIT.usage],
      ['UNKNOWN_NODE', EXIT.failed],
      ['NOT_A_MEMBER', EXIT.failed],
      ['FORBIDDEN', EXIT.refused],
      ['NODE_UNKNOWN', EXIT.refused],
    ] as const) {
      refusal = new Refusal(code, 'why');
      const { code: ended, out, err } = await rig.run('ping laptop');
      assert.is(ended, exit, code);
      assert.is(out, '');
      assert.is(err, 'pcloud: why\n');
    }
  }));

test('without a daemon it is 4, with the socket and what to do', () =>
  withRig(async ({ run, directory }) => {
    for (const line of ['status', 'down', 'ping a', 'ip', 'whois a', 'nodes list', 'invite']) {
      const { code, err } = await run(line);
      assert.is(code, EXIT.notRunning, line);
      assert.is(err, `pcloud: no daemon answers at "${directory}/daemon.sock"; run "pcloud up"\n`);
    }
  }));

test('wrong usage is 2 and one line, whoever finds it', () =>
  withRig(async ({ run }) => {
    for (const [line, message] of [
      ['frobnicate', "unknown command 'frobnicate'"],
      ['nodes frobnicate', "unknown command 'frobnicate'"],
      ['status --frob', "unknown option '--frob'"],
      ['ping', "missing required argument 'node'"],
      ['status more', 'too many arguments'],
      ['ping -c x a', 'expected a number from 1'],
      ['ping --timeout 5 a', '--timeout: expected a time such as'],
      ['wait --for never', 'is invalid. Allowed choices are up, coordinator, peer'],
      ['wait --for peer', 'name a node with --for peer'],
      ['wait laptop', 'name a node with --for peer'],
      ['completion csh', 'Allowed choices are bash, zsh, fish'],
      ['users add --owner --role admin ada', 'cannot be used with'],
      ['up --pin x', '--pin: of use with --login-server only'],
      ['up link --login-server https://a', 'a link or --login-server, not both'],
      ['daemon --port 0', '--port: expected 1 to 65535'],
      ['seed --network 10.0.0.0/33', '--network: expected an IPv4 range'],
    ] as const) {
      const { code, out, err } = await run(line);
      assert.is(code, EXIT.usage, `${line}\n${err}`);
      assert.is(out, '');
      assert.ok(err.startsWith('pcloud: ') && err.includes(message), `${line}\n${err}`);
      assert.is(err.trimEnd().split('\n').length, 1, err);
    }
  }));

test('help and version are 0 and go to standard output', () =>
  withRig(async ({ run }) => {
    for (const line of ['--help', 'help up', 'up --help', 'nodes rename --help', '--version']) {
      const { code, out, err } = await run(line);
      assert.is(code, EXIT.done, line);
      assert.is(err, '');
      assert.ok(out.length > 0);
    }
  }));

test('what nobody expected says where it happened, and is 1', () => {
  const error = new TypeError('x is not a function');
  assert.is(endingOf(error), 'failed');
  assert.match(describeError(error), /^unexpected: TypeError: x is not a function\n {4}at /);
});

test('what is expected is one line, whatever its message', () => {
  assert.is(describeError(new CliError('failed', 'a\n  b\n')), 'a b');
});

test.run();
