import type { PingAnswer } from '@pcloud/daemon';
import { type Command, InvalidArgumentError } from 'commander';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { parsedAs } from '../settings/options.ts';
import { parseDuration } from '../settings/parse.ts';

const INTERVAL_MS = 1_000;

export function addPing(program: Command, context: CliContext): void {
  const command = program
    .command('ping')
    .description('measure the way to a node through the tunnel, and say which it is')
    .argument('<node>', 'name or address')
    .option('-c, --count <N>', 'how often', parseCount, 1)
    .option('--timeout <TIME>', 'how long to wait for each answer', parsedAs('--timeout', parseDuration), 5_000);
  addExamples(command, [
    ['pcloud ping laptop', 'once'],
    ['pcloud ping -c 5 10.0.0.2', 'five times, a second apart'],
  ]);
  onCall<{ count: number; timeout: number }>(command, context, async ({ settings, args, options, answer }) => {
    const { askDaemon } = await import('@pcloud/daemon');
    const input = { node: args[0], timeoutMs: options.timeout };
    for (let sent = 0; sent < options.count; sent++) {
      if (sent > 0) await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
      const pong = (await askDaemon(settings.runtimeDir, { method: 'POST', path: '/ping', input })) as PingAnswer;
      answer(pong, formatPong(pong));
    }
  });
}

function formatPong({ name, address, latencyMs, path, endpoint }: PingAnswer): string {
  const way =
    path === 'direct' ? ` directly${endpoint === null ? '' : ` (${endpoint})`}` : path === 'relay' ? ' by relay' : '';
  return `${name} (${address}) answered${way} after ${latencyMs.toFixed(1)} ms\n`;
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('expected a number from 1.');
  return Number(text);
}
