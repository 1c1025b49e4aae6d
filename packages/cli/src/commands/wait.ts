import { type Command, Option } from 'commander';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { untilRunning } from '../daemon/until-running.ts';
import { CliError } from '../exit.ts';
import { parsedAs } from '../settings/options.ts';
import { parseDuration } from '../settings/parse.ts';

interface WaitOptions {
  readonly for: 'up' | 'coordinator' | 'peer';
  readonly timeout: number;
}

/** As the daemon has it. */
const NAMES = { up: 'joined', coordinator: 'connected', peer: 'peer' } as const;

export function addWait(program: Command, context: CliContext): void {
  const command = program
    .command('wait')
    .description('wait until something holds, also for a daemon that is still to start')
    .argument('[node]', 'with --for peer: name or address')
    .addOption(
      new Option('--for <WHAT>', 'up: there is a map; coordinator: the channel is open; peer: the node answers')
        .choices(Object.keys(NAMES))
        .default('up'),
    )
    .option('--timeout <TIME>', 'how long', parsedAs('--timeout', parseDuration), 60_000);
  addExamples(command, [
    ['pcloud wait', 'until this device is in the network'],
    ['pcloud wait --for peer server1 --timeout 5m', 'until server1 answers'],
  ]);
  onCall<WaitOptions>(command, context, async ({ settings, args: [node], options, answer }) => {
    if ((options.for === 'peer') !== (node !== undefined)) {
      throw new CliError('usage', 'wait: name a node with --for peer, and only then: pcloud wait --for peer NODE');
    }
    const { askDaemon } = await import('@pcloud/daemon');
    const leftMs = await untilRunning(settings.runtimeDir, options.timeout);
    const input = { for: NAMES[options.for], timeoutMs: leftMs, ...(node === undefined ? {} : { node }) };
    const value = await askDaemon(settings.runtimeDir, { method: 'POST', path: '/wait', input });
    const outcome = value as { kind?: string; code?: string; message?: string };
    if (outcome.kind === 'refused' || outcome.kind === 'unreachable') {
      const ending = outcome.kind === 'refused' ? 'refused' : 'notRunning';
      throw new CliError(ending, `joining did not work (${outcome.code}): ${outcome.message}`);
    }
    answer(value, options.for === 'peer' ? `${node} answers.\n` : options.for === 'up' ? 'Up.\n' : 'Connected.\n');
  });
}
