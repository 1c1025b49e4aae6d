/**
 * What do peers cost that are configured and do nothing?
 *
 *     node -C source --import tsx bench/peers.ts [--rounds 3] [--json FILE]
 *
 * For each number of peers: time to load them with `wg setconf`, to read them back with `wg show dump`, and
 * resident memory above that of no peers; ours with what it picks by itself, and the newest wireguard-go.
 */

import { ours } from '../tests/interop/lib/implementations.ts';
import { createKeyPair } from '../tests/interop/lib/keys.ts';
import { startProcess } from '../tests/interop/lib/tunnel.ts';
import { createLab } from '../tests/lab/lab.ts';
import { type Contestant, REFERENCE, reference } from './lib/contestants.ts';
import { describeMachine, type Machine } from './lib/machine.ts';
import { median, short, table } from './lib/numbers.ts';
import { readOptions, report } from './lib/options.ts';
import { residentMb } from './lib/process-cost.ts';

const COUNTS = [10, 1000, 10_000] as const;

interface Costs {
  readonly loadMs: number;
  readonly showMs: number;
  readonly residentMb: number;
}

/** What `--json` has: costs of each round, by number of peers and contestant. */
export interface PeersResult {
  readonly machine: Machine;
  readonly rounds: number;
  readonly costs: Readonly<Record<string, Readonly<Record<string, readonly Costs[]>>>>;
}

function configuration(count: number): string {
  const sections = Array.from({ length: count }, (_, index) => {
    const [high, low] = [index >> 8, index & 255];
    return `[Peer]
PublicKey = ${createKeyPair().publicKey}
AllowedIPs = 10.${high}.${low}.1/32, fd00:0:${high.toString(16)}:${low.toString(16)}::/64
Endpoint = 192.0.2.${1 + (index % 250)}:${1024 + index}
`;
  });
  return `[Interface]\nPrivateKey = ${createKeyPair().privateKey}\nListenPort = 51820\n\n${sections.join('\n')}`;
}

async function measure({ implementation }: Contestant, text: string, count: number): Promise<Costs> {
  const lab = createLab();
  try {
    const host = await lab.host('host');
    const process = await startProcess(host, implementation, 'wg0', { LOG_LEVEL: 'error' });
    await host.run('ip link set wg0 up');
    host.write('/run/peers', text);
    const started = performance.now();
    await host.run('wg setconf wg0 /run/peers', { timeoutMs: 120_000 });
    const loaded = performance.now();
    const { stdout } = await host.run('wg show wg0 dump', { timeoutMs: 120_000 });
    const shown = performance.now();
    const lines = stdout.trimEnd().split('\n').length - 1;
    if (lines !== count) throw new Error(`${lines} peers shown, ${count} loaded`);
    return { loadMs: loaded - started, showMs: shown - loaded, residentMb: residentMb(await process.pid()) };
  } finally {
    await lab.close();
  }
}

const options = readOptions({ rounds: 3, seconds: 0 });
const contestants: readonly Contestant[] = [{ name: 'pcloud-wg', implementation: ours() }, reference()];
const costs: Record<string, Record<string, Costs[]>> = {};
for (const count of COUNTS) {
  const text = configuration(count);
  const byName: Record<string, Costs[]> = Object.fromEntries(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of contestants) byName[contestant.name]!.push(await measure(contestant, text, count));
  }
  costs[count] = byName;
}
const result: PeersResult = { machine: describeMachine(contestants), rounds: options.rounds, costs };
report(options, result, formatPeers(result));

function formatPeers({ costs }: PeersResult): string {
  const rows = Object.entries(costs).flatMap(([count, byName]) =>
    (['loadMs', 'showMs', 'residentMb'] as const).map((cost) => {
      const label = { loadMs: 'wg setconf, ms', showMs: 'wg show dump, ms', residentMb: 'memory, MB' }[cost];
      const middle = (name: string): number => median(byName[name]!.map((each) => each[cost]));
      const [own, theirs] = [middle('pcloud-wg'), middle(REFERENCE)];
      return [
        `${Number(count).toLocaleString('en')} peers: ${label}`,
        `${short(own)} (${short(own / theirs)})`,
        short(theirs),
      ];
    }),
  );
  return table([['', 'pcloud-wg', REFERENCE], ...rows]);
}
