import type { Command } from 'commander';
import { askNetwork } from '../ask-network.ts';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../exit.ts';
import { parseDuration } from '../settings/parse.ts';
import { formatDuration } from '../texts/time.ts';

interface NetworkFace {
  readonly id: string;
  readonly prefixes: readonly string[];
  readonly domain: string;
  readonly nodes: number;
  readonly keyLifeMs: number | null;
  readonly keyRotationMs: number | null;
}

/** By the names that people give them. */
const SETTINGS: Readonly<Record<string, 'keyLifeMs' | 'keyRotationMs'>> = {
  'key-life': 'keyLifeMs',
  'key-rotation': 'keyRotationMs',
};
const NAMES = Object.keys(SETTINGS).join(', ');

export function addNetwork(program: Command, context: CliContext): void {
  const network = program.command('network').description('show and change what holds for the whole network');
  addExamples(network, [
    ['pcloud network get', 'what holds now'],
    ['pcloud network set key-life 180d', 'keys of devices have to be renewed twice a year'],
    ['pcloud network set key-rotation 30d', 'devices replace their keys by themselves each month'],
    ['pcloud network set key-life off', 'keys hold for ever, as at first'],
  ]);

  onCall(network.command('get').description('show the settings'), context, async ({ settings, answer }) => {
    const found = (await askNetwork(settings, context, 'network.get')) as NetworkFace;
    const { prefixes, domain, nodes, keyLifeMs, keyRotationMs } = found;
    const lines = [
      `network ${prefixes.join(', ')}, names end in .${domain}, ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`,
      `key-life      ${describe(keyLifeMs)}`,
      `key-rotation  ${describe(keyRotationMs)}`,
    ];
    answer(found, `${lines.join('\n')}\n`);
  });

  const set = network.command('set').description('change a setting');
  set.argument('<setting>', NAMES).argument('<value>', 'a time such as 180d, or off');
  onCall(set, context, async ({ settings, args: [name, value], answer }) => {
    const key = SETTINGS[name!];
    if (key === undefined) throw new CliError('usage', `network set: expected ${NAMES}, got "${name}"`);
    const changed = await askNetwork(settings, context, 'network.set', { [key]: parseValue(name!, value!) });
    answer(changed, `${name}: ${describe((changed as NetworkFace)[key])}\n`);
  });
}

function parseValue(name: string, value: string): number | null {
  if (value === 'off') return null;
  try {
    return parseDuration(value);
  } catch (error) {
    throw new CliError('usage', `${name}: ${(error as Error).message}, or off`);
  }
}

function describe(ms: number | null): string {
  return ms === null ? 'off' : formatDuration(ms);
}
