import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Contestant, everyContestant, REFERENCE } from './contestants.ts';

export interface BenchOptions {
  readonly rounds: number;
  /** How long each load runs. */
  readonly seconds: number;
  readonly contestants: readonly Contestant[];
  /** Metrics to measure; all when empty. */
  readonly metrics: readonly string[];
  /** Where the JSON goes: a file, or `-` for standard output instead of the table. */
  readonly json: string | undefined;
}

/**
 * Reads `--rounds N --seconds N --only NAME,… --metrics NAME,… --json FILE|-`. The reference always takes part.
 * @throws when a name in `--only` is nobody's
 */
export function readOptions(defaults: { rounds: number; seconds: number }): BenchOptions {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      metrics: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const everyone = everyContestant();
  const wanted = values.only?.split(',').map((name) => name.trim().replace('+', ', '));
  for (const name of wanted ?? []) {
    if (!everyone.some((each) => each.name === name)) {
      throw new Error(
        `--only: "${name}" is none of ${everyone.map((each) => each.name.replace(', ', '+')).join(', ')}`,
      );
    }
  }
  return {
    rounds: Number(values.rounds ?? defaults.rounds),
    seconds: Number(values.seconds ?? defaults.seconds),
    contestants: everyone.filter(({ name }) => !wanted || wanted.includes(name) || name === REFERENCE),
    metrics: values.metrics?.split(',') ?? [],
    json: values.json,
  };
}

/** Prints the text, and writes the result where `--json` says. */
export function report(options: BenchOptions, result: object, text: string): void {
  const json = `${JSON.stringify(result, undefined, 2)}\n`;
  if (options.json === '-') process.stdout.write(json);
  else process.stdout.write(`${text}\n`);
  if (options.json && options.json !== '-') writeFileSync(options.json, json);
}
