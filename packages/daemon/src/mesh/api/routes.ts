import { parseEndpoint } from '@pcloud/ip';
import { NetmapError, parseJoinLink } from '@pcloud/netmap';
import * as v from 'valibot';
import { DaemonError } from '../../errors.ts';
import { pause } from '../control/wait.ts';
import { type JoinTarget, targetOfLink } from '../join-target.ts';
import type { MeshCore } from '../mesh-core.ts';
import type { MeshSeams } from '../seams.ts';
import { findNode } from './find-node.ts';
import { pingNode } from './ping.ts';

/** One thing that can be asked of the daemon. */
export interface ApiRoute {
  /** Whether others than root may ask. */
  readonly open: boolean;
  /** Whether a process that was started for `up` alone has nothing more to do once it has answered. */
  readonly dismisses?: boolean;
  run(input: unknown, signal: AbortSignal): Promise<unknown>;
}

/** Between two tries to reach a node. */
const RETRY_MS = 500;

const timeoutMs = v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(86_400_000)), 60_000);
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(4_096));
const target = v.object({
  urls: v.pipe(v.array(text), v.minLength(1), v.maxLength(8)),
  networkId: text,
  channelKey: text,
  token: v.exactOptional(text),
});
const inputs = {
  none: v.object({}),
  up: v.object({ link: v.exactOptional(text), target: v.exactOptional(target), timeoutMs }),
  wait: v.object({
    for: v.picklist(['joined', 'connected', 'peer', 'renewed']),
    node: v.exactOptional(text),
    timeoutMs,
  }),
  ping: v.object({ node: text, timeoutMs: v.optional(timeoutMs, 5_000) }),
  rotate: v.object({ timeoutMs: v.optional(timeoutMs, 15_000) }),
  whois: v.object({ node: text }),
  endpoint: v.object({ node: text, endpoint: text }),
  operation: v.object({ operation: text, input: v.optional(v.unknown(), {}), timeoutMs }),
} as const;

/**
 * What the local API answers, by `METHOD PATH`.
 * @param endingPid the process, when it ends once it was dismissed: whoever dismisses it may wait for that
 */
export function createRoutes(
  core: MeshCore,
  { probe, clock }: Pick<MeshSeams, 'probe' | 'clock'>,
  endingPid: number | undefined,
): Map<string, ApiRoute> {
  /** @throws DaemonError TIMED_OUT */
  async function within<T>(limitMs: number, signal: AbortSignal, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const timedOut = new DaemonError('TIMED_OUT', `not done within ${limitMs / 1_000} s; "pcloud status" says more`);
    const cancel = clock.setTimer(() => limit.abort(timedOut), limitMs);
    try {
      return await act(AbortSignal.any([signal, limit.signal]));
    } finally {
      cancel();
    }
  }

  async function up(input: v.InferOutput<typeof inputs.up>, signal: AbortSignal): Promise<unknown> {
    const wanted = input.target ?? (input.link === undefined ? undefined : readLink(input.link));
    return within(input.timeoutMs, signal, async (limited) => {
      if (wanted !== undefined) return core.join(wanted, limited);
      await core.up();
      return core.joined(limited);
    });
  }

  async function wait(input: v.InferOutput<typeof inputs.wait>, signal: AbortSignal): Promise<unknown> {
    return within(input.timeoutMs, signal, async (limited) => {
      if (input.for === 'joined') return core.joined(limited);
      if (input.for === 'renewed') return core.renewed(limited);
      if (input.for === 'connected') {
        return core.events.until(
          () => (core.control?.client.state.connected ? { connected: true } : undefined),
          limited,
        );
      }
      if (input.node === undefined) throw new DaemonError('BAD_OPTION', 'node: expected a name or an address');
      return untilAnswer(input.node, limited);
    });
  }

  /** The node may be one that is still to join. */
  async function untilAnswer(name: string, signal: AbortSignal): Promise<unknown> {
    for (;;) {
      try {
        return await pingNode(findNode(core.map, name), core, probe, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        await pause(clock, RETRY_MS, signal);
      }
    }
  }

  function dismissing(act: () => Promise<void>): ApiRoute {
    const answering = route(false, inputs.none, async () => {
      await act();
      return { endingPid: endingPid ?? null };
    });
    return { ...answering, dismisses: true };
  }

  return new Map<string, ApiRoute>([
    ['GET /status', route(true, inputs.none, async () => core.status())],
    ['POST /up', route(false, inputs.up, up)],
    ['POST /down', dismissing(() => core.down())],
    [
      'POST /rotate',
      route(false, inputs.rotate, (input, signal) =>
        within(input.timeoutMs, signal, async (limited) => ({ nodeKey: await core.rotate(limited) })),
      ),
    ],
    ['POST /renew', route(false, inputs.rotate, (input, signal) => within(input.timeoutMs, signal, core.askRenewal))],
    ['POST /logout', dismissing(() => core.leave())],
    ['POST /wait', route(true, inputs.wait, wait)],
    [
      'POST /ping',
      route(true, inputs.ping, (input, signal) => {
        const node = findNode(core.map, input.node);
        return within(input.timeoutMs, signal, (limited) => pingNode(node, core, probe, limited));
      }),
    ],
    ['POST /whois', route(true, inputs.whois, async ({ node }) => findNode(core.map, node))],
    [
      'POST /endpoint',
      route(false, inputs.endpoint, async (input) => {
        const node = findNode(core.map, input.node);
        if (parseEndpoint(input.endpoint) === undefined || core.tunnel?.peerOf(node) === undefined) {
          throw new DaemonError('BAD_OPTION', `endpoint of ${node.name}: expected another node and ADDRESS:PORT`);
        }
        core.tunnel.choice.insist(node.id, input.endpoint);
        return {};
      }),
    ],
    [
      'POST /operation',
      route(false, inputs.operation, (input, signal) =>
        within(input.timeoutMs, signal, async (limited) => {
          const client = core.control?.client;
          if (client === undefined) throw new DaemonError('NOT_CONNECTED', 'the network is down; run "pcloud up"');
          return { result: await client.request(input.operation, input.input, limited) };
        }),
      ),
    ],
  ]);
}

function route<S extends v.GenericSchema>(
  open: boolean,
  schema: S,
  run: (input: v.InferOutput<S>, signal: AbortSignal) => Promise<unknown>,
): ApiRoute {
  return {
    open,
    run(value, signal) {
      const read = v.safeParse(schema, value);
      if (read.success) return run(read.output, signal);
      const [issue] = read.issues;
      throw new DaemonError('BAD_OPTION', `${v.getDotPath(issue) ?? 'input'}: ${issue.message}`);
    },
  };
}

function readLink(link: string): JoinTarget {
  const read = parseJoinLink(link);
  if (read instanceof NetmapError) throw read;
  return targetOfLink(read);
}
