/**
 * Ours with every other implementation: who starts × IP outside × IP inside × preshared key × data path.
 * A seeded sample in which every value occurs; all of it, with a row for each, when PCLOUD_TEST_FULL is 1.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { reportRow } from '../lab/report.ts';
import { DATA_PATHS, type DataPath, type Implementation, ours, peers } from './lib/implementations.ts';
import { type Family, INNER, withPair } from './lib/pair.ts';
import { createRandom, isFullRun, runSeed, sampleCovering } from './lib/sample.ts';
import { assertPing, assertTransfer } from './lib/traffic.ts';

interface Cell {
  readonly peer: string;
  readonly initiator: 'ours' | 'peer';
  readonly outer: Family;
  readonly inner: Family;
  readonly presharedKey: boolean;
  readonly path: DataPath;
}

const SAMPLE = 12;
const TRANSFER_BYTES = 5_000_000;
const PINGS = 10;

const others: ReadonlyMap<string, Implementation> = new Map([
  ...peers().map((peer) => [peer.name, peer] as const),
  ['ours', ours()],
]);

const cells: readonly Cell[] = [...others.keys()].flatMap((peer) =>
  (['ours', 'peer'] as const).flatMap((initiator) =>
    ([4, 6] as const).flatMap((outer) =>
      ([4, 6] as const).flatMap((inner) =>
        [false, true].flatMap((presharedKey) =>
          DATA_PATHS.map((path) => ({ peer, initiator, outer, inner, presharedKey, path })),
        ),
      ),
    ),
  ),
);

const seed = runSeed();
const chosen = isFullRun ? cells : sampleCovering(cells, SAMPLE, createRandom(seed));
console.log(`matrix: ${chosen.length} of ${cells.length} cells, PCLOUD_TEST_SEED=${seed}`);

function title(cell: Cell): string {
  const { peer, initiator, outer, inner, presharedKey, path } = cell;
  const starts = initiator === 'ours' ? 'we start' : 'it starts';
  return `${path} with ${peer}, ${starts}, IPv${inner} in IPv${outer}${presharedKey ? ', preshared key' : ''}`;
}

async function run(cell: Cell): Promise<void> {
  const right = others.get(cell.peer)!;
  const endpoints = cell.initiator === 'ours' ? 'left' : 'right';
  await withPair({ ...cell, left: ours(cell.path), right, endpoints }, async ({ left, right }) => {
    const address = INNER[cell.inner];
    const [first, to] = cell.initiator === 'ours' ? [left, address.right] : [right, address.left];
    await assertPing(first.host, to, { count: PINGS });

    const [ourView, theirView] = [await left.peer(), await right.peer()];
    const handshake = cell.initiator === 'ours' ? 148 + 92 : 92 + 148;
    assert.ok(ourView.handshakeAt > 0 && theirView.handshakeAt > 0, 'both sides know of the handshake');
    const atLeast = handshake - 148 + PINGS * 128;
    assert.ok(Math.min(ourView.rxBytes, theirView.rxBytes) >= atLeast, 'both sides counted what they received');
    assert.is(ourView.rxBytes, theirView.txBytes, 'what it sent is what we received');
    assert.is(ourView.txBytes, theirView.rxBytes, 'what we sent is what it received');

    await assertTransfer(first.host, first === left ? right.host : left.host, to, TRANSFER_BYTES);
  });
}

for (const cell of chosen) {
  test(title(cell), async () => {
    const started = performance.now();
    await run(cell);
    reportRow('Interoperation', { ...cell, seconds: ((performance.now() - started) / 1000).toFixed(1) });
  });
}

test.run();
