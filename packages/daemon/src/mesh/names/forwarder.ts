import { setMaxListeners } from 'node:events';
import { type AskServersDeps, askServers } from './ask-servers.ts';
import type { Transport } from './query.ts';

export interface ForwarderDeps extends AskServersDeps {
  /** Addresses of the servers to ask, the first first. */
  readonly servers: () => readonly string[];
  readonly random: (out: Uint8Array) => void;
}

export interface Forwarder {
  /**
   * Asks the machine's servers what a program of it asked, byte for byte.
   * @returns the answer under the query's own id; undefined when nobody gave one
   */
  forward(query: Uint8Array, transport: Transport): Promise<Uint8Array | undefined>;
  /** Ends what waits, with no answer. */
  stop(): void;
}

/** Questions of all programs together. More wait for nothing: each holds a socket. */
export const MAX_IN_FLIGHT = 256;

/**
 * The same question is asked once however many wait for its answer, so that a server that asks us in turn
 * makes no storm.
 */
export function createForwarder({ servers, random, ...deps }: ForwarderDeps): Forwarder {
  const pending = new Map<string, Promise<Uint8Array | undefined>>();
  let controller = createController();
  /** The server that answered last. */
  let best: string | undefined;

  /** The id is one that nobody can know, whoever's program asked. */
  async function run(query: Uint8Array, transport: Transport): Promise<Uint8Array | undefined> {
    const question = Uint8Array.from(query);
    random(question.subarray(0, 2));
    const round = { servers: from(best, servers()), question, transport, signal: controller.signal };
    const result = await askServers(round, deps);
    if (result !== undefined) best = result.server;
    return result?.answer;
  }

  return {
    async forward(query, transport) {
      const key = transport + Buffer.from(query.subarray(2)).toString('latin1');
      let running = pending.get(key);
      if (running === undefined) {
        if (pending.size >= MAX_IN_FLIGHT) return undefined;
        running = run(query, transport).finally(() => pending.delete(key));
        pending.set(key, running);
      }
      const answer = await running;
      return answer && withId(answer, query);
    },
    stop() {
      controller.abort();
      controller = createController();
    },
  };
}

function createController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(MAX_IN_FLIGHT, controller.signal);
  return controller;
}

/** The list with this one, if it is in it, first. */
function from(first: string | undefined, servers: readonly string[]): readonly string[] {
  if (first === undefined || !servers.includes(first)) return servers;
  return [first, ...servers.filter((server) => server !== first)];
}

function withId(answer: Uint8Array, query: Uint8Array): Uint8Array {
  const own = Uint8Array.from(answer);
  own.set(query.subarray(0, 2));
  return own;
}
