import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { askNetwork } from '../ask-network.ts';
import { addExamples, type Call, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../exit.ts';

interface Got {
  readonly text: string;
  readonly isDefault: boolean;
  readonly revision: number;
}

interface Checked {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly failures: readonly string[];
}

interface Traced {
  readonly allowed: boolean;
  readonly text: string;
}

export function addPolicy(program: Command, context: CliContext): void {
  const policy = program.command('policy').description('say who may reach whom, and on which ports');
  addExamples(policy, [
    ['pcloud policy get > policy.hujson', 'the policy, or the one to start from'],
    ['pcloud policy check policy.hujson', 'what is wrong with it, and which of its tests fail'],
    ['pcloud policy set policy.hujson', 'in force on every device within two seconds'],
    ['pcloud policy trace laptop nas:22', 'which rule decides'],
  ]);

  const get = policy.command('get').description('print the policy; before there is one, the text to start from');
  onCall(get, context, async ({ settings, answer }) => {
    const got = (await askNetwork(settings, context, 'policy.get', {}, ['text'])) as Got;
    const remark = 'Nobody has set a policy: every device reaches every other. This is one to start from.\n';
    if (got.isDefault && context.isTerminal) context.err(remark);
    answer(got, got.text);
  });

  const set = policy.command('set').description('put a policy in force, if it can be read and its tests hold');
  set.argument('<file>', 'HuJSON; - reads standard input');
  onCall(set, context, async (call) => {
    const text = await readPolicy(call);
    const { warnings } = await checkText(call, text);
    const made = (await askNetwork(call.settings, context, 'policy.set', { text })) as { revision: number };
    call.answer({ ...made, warnings }, 'The policy is in force.\n');
  });

  const check = policy.command('check').description('say what is wrong with a policy, and change nothing');
  check.argument('<file>', 'HuJSON; - reads standard input');
  onCall(check, context, async (call) => {
    call.answer(await checkText(call, await readPolicy(call)), 'The policy can be set; its tests hold.\n');
  });

  const test = policy.command('test').description('run the tests of the policy in force, with the devices of now');
  onCall(test, context, async (call) => {
    const { failures } = (await askNetwork(call.settings, context, 'policy.test')) as Checked;
    if (failures.length > 0) fail(call, { problems: [], warnings: [], failures });
    call.answer({ failures }, 'All tests of the policy hold.\n');
  });

  const trace = policy.command('trace').description('say whether a device may reach another, and which rule decides');
  trace
    .argument('<from>', 'device: its name or address')
    .argument('<to>', 'DEVICE:PORT, or an address with a port; without a port for protocols that have none')
    .option('--protocol <NAME>', 'tcp, udp, sctp, icmp or a number', 'tcp');
  onCall<{ protocol: string }>(trace, context, async ({ settings, args: [from, to], options, answer }) => {
    const input = { from, ...readGoal(to!), protocol: options.protocol };
    const traced = (await askNetwork(settings, context, 'policy.trace', input)) as Traced;
    answer(traced, `${traced.text}\n`);
  });
}

async function readPolicy({ args: [file], context }: Call<unknown>): Promise<string> {
  if (file === '-') return context.readInput();
  try {
    return readFileSync(file!, 'utf8');
  } catch (error) {
    throw new CliError('usage', `"${file}": cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Warnings go to standard error. @throws CliError when it may not be set */
async function checkText(call: Call<unknown>, text: string): Promise<Checked> {
  const found = (await askNetwork(call.settings, call.context, 'policy.check', { text })) as Checked;
  for (const warning of found.warnings) call.context.err(`warning: ${warning}\n`);
  if (found.problems.length + found.failures.length > 0) fail(call, found);
  return found;
}

function fail({ context, json }: Call<unknown>, found: Checked): never {
  const lines = [...found.problems, ...found.failures];
  if (json) context.out(`${JSON.stringify(found)}\n`);
  else for (const line of lines) context.err(`${line}\n`);
  const what = found.problems.length > 0 ? 'the policy cannot be set' : 'tests of the policy do not hold';
  throw new CliError('failed', `${what} (${lines.length}); the one in force stays`);
}

/** @throws CliError usage */
function readGoal(text: string): { to: string; port: number } {
  const [, inner, port = '0'] =
    /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text) ?? /^([^:]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  // A bare IPv6 address has no port.
  if (inner === undefined && text.includes(':') && !/[^0-9a-f:.]/i.test(text)) return { to: text, port: 0 };
  if (inner === undefined || Number(port) > 65_535) {
    throw new CliError('usage', `to: expected DEVICE:PORT or [IPV6]:PORT, got "${text}"`);
  }
  return { to: inner, port: Number(port) };
}
