/**
 * How fast is the tunnel, next to the newest wireguard-go?
 *
 *     node -C source --import tsx bench/throughput.ts [--rounds 5] [--seconds 3] [--only ipsec-mb,evp]
 *                                                     [--metrics tcp1,udp64] [--json FILE]
 *
 * Each contestant runs at both ends of its own pair of network namespaces; all pairs are up all the time
 * and loaded in turn, one after the other, round by round, so that what the machine does besides hits
 * everyone alike. Ratios are medians of each round's own ratio to the reference.
 */
import { createPair, type Pair } from '../tests/interop/lib/pair.ts';
import { type Contestant, REFERENCE } from './lib/contestants.ts';
import { type Figures, LOADS, METRICS, prepare } from './lib/loads.ts';
import { describeMachine, type Machine } from './lib/machine.ts';
import { median, short, table } from './lib/numbers.ts';
import { readOptions, report } from './lib/options.ts';

/** What `--json` has. */
export interface ThroughputResult {
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  /** Figures of each round, by contestant. */
  readonly figures: Readonly<Record<string, readonly Figures[]>>;
}

interface Entrant {
  readonly name: string;
  readonly pair: Pair;
  readonly rounds: Figures[];
}

const options = readOptions({ rounds: 5, seconds: 3 });
const loads = LOADS.filter(({ name }) => options.metrics.length === 0 || options.metrics.includes(name));

async function enter({ name, implementation }: Contestant): Promise<Entrant> {
  const pair = await createPair({ left: implementation, right: implementation });
  await prepare(pair);
  return { name, pair, rounds: [] };
}

const entrants: Entrant[] = [];
try {
  for (const contestant of options.contestants) entrants.push(await enter(contestant));
  for (let round = 0; round < options.rounds; round++) {
    const figures = new Map<string, Figures>();
    for (const load of loads) {
      for (const { name, pair } of round % 2 ? [...entrants].reverse() : entrants) {
        figures.set(name, { ...figures.get(name), ...(await load.run(pair, options.seconds)) });
      }
    }
    for (const { name, rounds } of entrants) rounds.push(figures.get(name)!);
    process.stderr.write(`round ${round + 1} of ${options.rounds}\n`);
  }
  const result: ThroughputResult = {
    machine: describeMachine(options.contestants),
    rounds: options.rounds,
    seconds: options.seconds,
    figures: Object.fromEntries(entrants.map(({ name, rounds }) => [name, rounds])),
  };
  report(options, result, formatThroughput(result));
} finally {
  await Promise.all(entrants.map(({ pair }) => pair.lab.close()));
}

function formatThroughput({ figures }: ThroughputResult): string {
  const names = Object.keys(figures);
  const own = names.filter((name) => name !== REFERENCE);
  const measured = Object.keys(METRICS).filter((metric) => figures[REFERENCE]![0]![metric] !== undefined);
  const values = (name: string, metric: string): number[] => figures[name]!.map((round) => round[metric]!);
  const ratio = (name: string, metric: string): number =>
    median(figures[name]!.map((round, index) => round[metric]! / figures[REFERENCE]![index]![metric]!));
  const rows = measured.map((metric) => [
    METRICS[metric]!,
    ...own.map((name) => `${short(median(values(name, metric)))} (${short(ratio(name, metric))})`),
    short(median(values(REFERENCE, metric))),
  ]);
  return table([['', ...own, REFERENCE], ...rows]);
}
