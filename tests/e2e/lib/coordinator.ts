/** What a seed's coordinator holds and has turned away, asked as root of the seed. */
import * as assert from 'uvu/assert';
import { type Host, type LabProcess, waitFor, waitForPing } from '../../lab/index.ts';
import { PCLOUD } from './network.ts';

export type Counters = Readonly<Record<string, number>>;

/** A command of the seed, with `--json`. */
export async function ask<T>(seed: Host, ...words: readonly string[]): Promise<T> {
  const { stdout } = await seed.run([PCLOUD, ...words, '--json']);
  return JSON.parse(stdout) as T;
}

/** Answers to operations without input, in one go: a program for each would cost a noisy machine seconds. */
async function run(seed: Host, ...operations: readonly string[]): Promise<unknown[]> {
  const curl = 'curl -sSf --unix-socket /run/pcloud/coordinator.sock -H content-type:application/json -d {}';
  const { stdout } = await seed.run(
    `for name in ${operations.join(' ')}; do ${curl} http://localhost/api/v1/$name || exit; echo; done`,
  );
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

export async function turnedAway(seed: Host): Promise<Counters> {
  const [counters] = await run(seed, 'network.counters');
  return (counters as { refused: Counters }).refused;
}

/** What the store holds of nodes, users, tokens and deeds; not who is there at the moment. */
export async function holdings(seed: Host): Promise<string> {
  const [nodes, ...rest] = await run(seed, 'nodes.list', 'users.list', 'tokens.list', 'audit.list');
  const lasting = (nodes as Record<string, unknown>[]).map(({ online, endpoints, ...node }) => node);
  return JSON.stringify([lasting, ...rest], undefined, 1);
}

/** Holds that a device is connected by the connection that it made first. */
export async function expectUndisturbed(device: Host): Promise<void> {
  const status = 'curl -sSf --unix-socket /run/pcloud/daemon.sock http://localhost/status';
  const { stdout } = await device.run(`${status}; grep -c "connected to a coordinator" /run/pcloud/daemon.log`);
  const [text, times] = stdout.trim().split('\n');
  const { coordinator } = JSON.parse(text!) as { coordinator: { connected: boolean } };
  if (!coordinator.connected || times !== '1') throw new Error(`it was disturbed: ${stdout}`);
}

/**
 * Waits until something was turned away under a code since `before`, and nothing under another.
 * @param process the seed: a line of its log names code and source
 */
export async function expectTurnedAway(
  seed: Host,
  process: LabProcess,
  before: Counters,
  key: string,
  source: string,
): Promise<void> {
  const news = await waitFor(`${key} to be counted`, async () => {
    const now = await turnedAway(seed);
    const changed = Object.keys(now).filter((each) => now[each] !== before[each]);
    return changed.length > 0 ? changed : undefined;
  });
  if (news.join() !== key) throw new Error(`expected ${key} to be counted, and not ${news.join(', ')}`);
  const words = ['turned away', ...key.split('.'), source].map((word) => `"${word}"`);
  await waitFor(
    `a line of the log with ${words.join(' ')}`,
    () =>
      process
        .output()
        .split('\n')
        .some((line) => words.every((word) => line.includes(word))),
    5_000,
    process.output,
  );
}

/** The honest device works, and by the connection that it made first. */
export async function checkHonest(honest: Host): Promise<void> {
  await expectUndisturbed(honest);
  await waitForPing(honest, '10.0.0.1', 5_000);
}

/** Acts, and holds that the coordinator has what it had, and the honest device what it had. */
export async function changingNothing(
  seed: Host,
  honest: Host,
  act: (before: Counters) => Promise<void>,
): Promise<void> {
  const held = await holdings(seed);
  await act(await turnedAway(seed));
  assert.is(await holdings(seed), held);
  await checkHonest(honest);
}
