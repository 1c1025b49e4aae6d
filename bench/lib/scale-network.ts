/** A coordinator and a fleet of nodes, each in processes of their own, as the scale bench drives them. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askCoordinator } from '../../packages/coordinator/src/http/admin-client.ts';
import type { FleetNews, FleetOrder, JoinOrder } from './fleet.ts';

export interface ScaleNetwork {
  /** Of the coordinator that runs now. */
  readonly pid: number;
  ask(operation: string, input: object): Promise<unknown>;
  /** Lets nodes join by these links, as many of each, an even number. @returns once all of them have their maps */
  join(links: readonly string[], nodesOfLink: number): Promise<void>;
  /** A node gets another name. @returns when each of those who see it was told, in milliseconds from the order */
  rename(from: string, to: string, concerned: number): Promise<number[]>;
  /** Bytes of changes that all nodes were sent since the last time. */
  takeBytes(): Promise<number>;
  /** Kills the coordinator and starts it again. @returns milliseconds from its start until all nodes have what they lack */
  restart(): Promise<number>;
  close(): Promise<void>;
}

const FLEETS = 2;
const PORT = 18_443;

export async function createScaleNetwork(): Promise<ScaleNetwork> {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-scale-'));
  const runtimeDir = join(directory, 'run');
  const listeners = new Set<(news: FleetNews) => void>();
  const fleets = Array.from({ length: FLEETS }, () => start('fleet.ts', []));
  const ready = new Map<ChildProcess, number>();
  for (const fleet of fleets) {
    fleet.on('message', (news: FleetNews) => {
      if (news.kind === 'ready') ready.set(fleet, news.count);
      for (const listener of listeners) listener(news);
    });
    fleet.on('exit', (code) => {
      if (code) throw new Error('a fleet ended');
    });
  }
  let coordinator = await startCoordinator();
  let members = 0;

  async function startCoordinator(): Promise<ChildProcess> {
    const child = start('scale-coordinator.ts', [join(directory, 'state'), runtimeDir, String(PORT)]);
    await new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', () => reject(new Error('the coordinator ended')));
    });
    return child;
  }

  function tell(order: FleetOrder): void {
    for (const fleet of fleets) fleet.send(order);
  }

  /** Resolves with what the news are worked into, once they are complete. */
  function listen<T>(take: (news: FleetNews) => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const listener = (news: FleetNews): void => {
        const result = take(news);
        if (result === undefined) return;
        listeners.delete(listener);
        resolve(result);
      };
      listeners.add(listener);
    });
  }

  const total = (): number => [...ready.values()].reduce((sum, count) => sum + count, 0);

  const network: ScaleNetwork = {
    get pid() {
      return coordinator.pid!;
    },
    ask: (operation, input) => askCoordinator(runtimeDir, operation, input),
    async join(links, nodesOfLink) {
      const first = members;
      const url = `https://127.0.0.1:${PORT}`;
      const share = nodesOfLink / FLEETS;
      const groupsOf = (fleet: number): JoinOrder[] =>
        links.map((link, index) => {
          return { link, url, first: first + index * nodesOfLink + fleet * share, count: share };
        });
      members += links.length * nodesOfLink;
      const done = listen((news) => (news.kind === 'ready' && total() === members ? true : undefined));
      for (const [index, fleet] of fleets.entries()) {
        fleet.send({ do: 'join', groups: groupsOf(index) } satisfies FleetOrder);
      }
      await done;
    },
    async rename(from, to, concerned) {
      const times: number[] = [];
      const startedAt = nowMs();
      const done = listen((news) => {
        if (news.kind === 'saw' && news.name === to) times.push(news.atMs - startedAt);
        return times.length === concerned ? times : undefined;
      });
      await network.ask('nodes.rename', { node: from, name: to });
      return done;
    },
    takeBytes() {
      let answers = 0;
      let bytes = 0;
      const done = listen((news) => {
        if (news.kind !== 'bytes') return undefined;
        answers++;
        bytes += news.bytes;
        return answers === FLEETS ? bytes : undefined;
      });
      tell({ do: 'bytes' });
      return done;
    },
    async restart() {
      const ended = new Promise((resolve) => coordinator.once('exit', resolve));
      coordinator.kill('SIGKILL');
      await ended;
      ready.clear();
      const startedAt = nowMs();
      const done = listen((news) => (news.kind === 'ready' && total() === members ? nowMs() - startedAt : undefined));
      coordinator = await startCoordinator();
      return done;
    },
    async close() {
      for (const fleet of fleets) fleet.kill();
      const ended = new Promise((resolve) => coordinator.once('exit', resolve));
      coordinator.kill();
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return network;
}

function start(script: string, words: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return fork(path, words, {
    execArgv: ['-C', 'source', '--import', 'tsx'],
  });
}

export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
