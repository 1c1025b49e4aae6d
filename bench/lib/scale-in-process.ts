/** As many nodes as this process has room for, on a coordinator without sockets: `scale-in-process.ts NODES ROUNDS`. */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePrefix } from '@pcloud/ip';
import { DEFAULT_POLICY, parseJoinLink } from '@pcloud/netmap';
import type { ConnectionInput } from '../../packages/coordinator/src/control/control-server.ts';
import { createCore } from '../../packages/coordinator/src/core.ts';
import { silentLogger } from '../../packages/coordinator/src/log.ts';
import { createMemoryStore } from '../../packages/coordinator/src/store/index.ts';
import { SCRYPT_COST } from '../../packages/coordinator/src/testing/accounts-rig.ts';
import { createNodeCrypto } from '../../packages/daemon/src/crypto/node.ts';
import { sleep } from '../../tests/lab/wait.ts';
import { createFleetNode } from './fleet-node.ts';
import { quantile } from './numbers.ts';

export interface InProcess {
  readonly nodes: number;
  readonly joinsPerSecond: number;
  readonly changeP50Ms: number;
  readonly changeP99Ms: number;
  /** CPU of coordinator and nodes. */
  readonly changeCpuMs: number;
  /** Of coordinator and nodes. */
  readonly memoryKbANode: number;
}

const DEVICES = 20;
const AT_ONCE = 64;
const SETTLE_MS = 3_000;
const IDLE_MS = 15_000;
const BETWEEN_MS = 200;

const [count, rounds] = process.argv.slice(2).map(Number) as [number, number];
const crypto = createNodeCrypto();
const stateDir = mkdtempSync(join(tmpdir(), 'pcloud-scale-'));
process.on('exit', () => rmSync(stateDir, { recursive: true, force: true }));
const core = await createCore(
  {
    stateDir,
    prefix4: parsePrefix('10.0.0.0/16')!,
    urls: ['https://192.0.2.1:8443'],
    openRegistration: false,
    program: 'bench',
    scryptCost: SCRYPT_COST,
  },
  {
    store: createMemoryStore(),
    crypto,
    random: (out) => void randomFillSync(out),
    log: silentLogger,
    pageUrl: (path) => `https://192.0.2.1:8443${path}`,
    now: () => performance.now(),
    wallMs: Date.now,
    setTimer(callback, ms) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
  },
);
let handleSaw: (name: string) => void = () => {};

const ask = (operation: string, input: object): Promise<unknown> =>
  core.operations.run({ kind: 'root' }, operation, input);

/** Resolves once it is a member and has its map. */
function addNode(number: number, link: string): Promise<void> {
  const parsed = parseJoinLink(link);
  if (parsed instanceof Error) throw parsed;
  return new Promise((resolve, reject) => {
    let input: ConnectionInput | undefined;
    const node = createFleetNode({
      crypto,
      networkId: parsed.networkId,
      channelKey: parsed.channelKey,
      token: parsed.token,
      name: `node-x${number}`,
      send: (frame) => setImmediate(() => input!.handleFrame(frame)),
      handleReady: resolve,
      handleChange(names) {
        for (const name of names) handleSaw(name);
      },
      handleRefused: (code) => reject(new Error(`node ${number} is refused: ${code}`)),
    });
    const source = `198.18.${number >> 8}.${number & 255}`;
    const send = (frame: Uint8Array): void => void setImmediate(() => node.handleFrame(frame));
    input = core.control.accept({ send, pendingBytes: 0, close: () => {} }, source);
    node.start();
  });
}

async function createLinks(): Promise<string[]> {
  const links: string[] = [];
  for (let number = 0; number < count / DEVICES; number++) {
    const user = `user-${number}`;
    await ask('users.add', { name: user, role: number === 0 ? 'owner' : 'member', password: 'correct horse' });
    links.push(((await ask('invites.create', { user, reusable: true })) as { link: string }).link);
  }
  return links;
}

async function joinAll(links: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const number = next++;
      await addNode(number, links[Math.floor(number / DEVICES)]!);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return (count / (performance.now() - startedAt)) * 1_000;
}

function rename(from: string, to: string): Promise<number[]> {
  const times: number[] = [];
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    handleSaw = (name) => {
      if (name === to) times.push(performance.now() - startedAt);
      if (times.length === DEVICES - 1) resolve(times);
    };
    ask('nodes.rename', { node: from, name: to }).catch(reject);
  });
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

await ask('policy.set', { text: DEFAULT_POLICY });
const links = await createLinks();
const emptyBytes = process.memoryUsage.rss();
const joinsPerSecond = await joinAll(links);
await sleep(SETTLE_MS);
const memoryKbANode = (process.memoryUsage.rss() - emptyBytes) / 1_024 / count;
for (let number = 0; number < 5; number++)
  await rename(number === 0 ? 'node-x0' : `change-${number - 1}`, `change-${number}`);
await sleep(SETTLE_MS);
const idleFrom = { cpu: cpuMs(), at: performance.now() };
await sleep(IDLE_MS);
const idle = (cpuMs() - idleFrom.cpu) / (performance.now() - idleFrom.at);
const from = { cpu: cpuMs(), at: performance.now() };
const times: number[] = [];
for (let number = 5; number < 5 + rounds; number++) {
  times.push(...(await rename(`change-${number - 1}`, `change-${number}`)));
  await sleep(BETWEEN_MS);
}
const usedMs = cpuMs() - from.cpu - idle * (performance.now() - from.at);
const result: InProcess = {
  nodes: count,
  joinsPerSecond,
  changeP50Ms: quantile(times, 0.5),
  changeP99Ms: quantile(times, 0.99),
  changeCpuMs: usedMs / rounds,
  memoryKbANode,
};
process.send?.(result);
if (process.send === undefined) console.log(result);
core.close();
process.exit(0);
