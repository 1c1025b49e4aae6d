import { encodeBase64, type NodeMessage } from '@pcloud/netmap';
import { DaemonError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { type Backoff, createBackoff } from './backoff.ts';
import { createRequests } from './requests.ts';
import {
  type ControlSession,
  type SessionDeps,
  type SessionEnd,
  type SessionMessage,
  type SessionOptions,
  startSession,
} from './session.ts';
import type { ConnectControl } from './transport.ts';
import { pause } from './wait.ts';

/** A place to try: a URL of a server and the key that it has to prove. */
export interface ControlTarget {
  readonly url: string;
  /** 32 bytes. */
  readonly channelKey: Uint8Array;
}

/** Keeps a channel to some server of the network, for as long as it is not stopped. */
export interface ControlClient {
  readonly state: ControlState;
  /** Lost while there is no channel: what a server must know is said again when joining. */
  send(message: NodeMessage): void;
  /** An operation in the name of the node's user. Rejects with OperationError or DaemonError NOT_CONNECTED. */
  request(operation: string, input: unknown, signal?: AbortSignal): Promise<unknown>;
  /** See `ControlSession`; undefined without a channel. */
  prove(nodePrivate: Uint8Array): Uint8Array | undefined;
  /** The network changed or the machine slept: the channel is checked, or tried for, now. */
  poke(): void;
  /** Gives the present channel up for another one. */
  reconnect(end: SessionEnd): void;
  stop(): void;
}

export interface ControlState {
  readonly connected: boolean;
  /** Of the server that is connected to. */
  readonly url: string | undefined;
  /** The server's address as text. */
  readonly remoteAddress: string | undefined;
  /** Why there is no channel. */
  readonly problem: SessionEnd | undefined;
}

export interface ControlClientDeps extends Omit<SessionDeps, 'ended' | 'handle' | 'checkServerSet'> {
  readonly connect: ConnectControl;
  readonly log: Logger;
  /** Where to try, in order. Asked for before each try. */
  readonly targets: () => readonly ControlTarget[];
  /** See `SessionDeps`; with the key that the server proved. */
  readonly checkServerSet: (signed: Uint8Array | undefined, channelKey: Uint8Array) => SessionEnd | undefined;
  /** Options of a session, but for its server. */
  readonly session: () => Omit<SessionOptions, 'channelKey'>;
  readonly handle: (message: SessionMessage) => void;
  /** The state is another one. */
  readonly changed: () => void;
  /** Every target was tried, and none would have us. */
  readonly roundFailed: (problem: SessionEnd) => void;
}

interface Outcome {
  /** A server let us in. */
  readonly admitted: boolean;
  readonly end: SessionEnd;
}

/** What will most likely be the same the next time. */
const LASTING: ReadonlySet<SessionEnd['code']> = new Set(['REFUSED', 'MAP_REFUSED', 'SERVER_SET_REFUSED']);
const REPLACED =
  'another machine uses the keys of this one and has the channel now, as after a copy of its state directory; run "pcloud logout" on one of the two, and join anew there';
const OFFLINE = { connected: false, url: undefined, remoteAddress: undefined } as const;

export function startControlClient(deps: ControlClientDeps): ControlClient {
  const { clock, log } = deps;
  const stopping = new AbortController();
  const requests = createRequests();
  const word = new Uint32Array(1);
  const backoff: Backoff = createBackoff(() => {
    deps.random(new Uint8Array(word.buffer));
    return word[0]! / 2 ** 32;
  });
  let session: ControlSession | undefined;
  let endSession: ((end: SessionEnd) => void) | undefined;
  let state: ControlState = { ...OFFLINE, problem: undefined };
  let waking = new AbortController();
  let lastUrl: string | undefined;

  function change(next: ControlState): void {
    state = next;
    deps.changed();
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const { admitted, end } = await tryAll();
      if (stopping.signal.aborted) return;
      if (admitted && end.code !== 'REPLACED') backoff.reset();
      waking = new AbortController();
      await pause(clock, waitAfter(end), AbortSignal.any([stopping.signal, waking.signal]));
    }
  }

  /** Milliseconds. */
  function waitAfter({ code }: SessionEnd): number {
    if (code === 'REPLACED') return backoff.yield();
    return LASTING.has(code) ? backoff.slow() : backoff.next();
  }

  /** One round, which is over as soon as a server let us in, or refused to. */
  async function tryAll(): Promise<Outcome> {
    let end: SessionEnd = { code: 'CLOSED', message: 'no server is known' };
    const tried = new Set<string>();
    for (;;) {
      // Asked for each time: a channel may have told of servers that were not known when the round began.
      const target = ordered(deps.targets(), lastUrl).find((one) => !tried.has(nameOf(one)));
      if (target === undefined) break;
      tried.add(nameOf(target));
      const outcome = await tryOne(target);
      if (stopping.signal.aborted || outcome.end.code === 'REFUSED') return outcome;
      // Another server may have what this one is refused for.
      if (outcome.admitted && outcome.end.code !== 'MAP_REFUSED') return outcome;
      // That others are not there at all tells less.
      if (!LASTING.has(end.code)) end = outcome.end;
    }
    if (state.problem !== end) change({ ...OFFLINE, problem: end });
    deps.roundFailed(end);
    return { admitted: false, end };
  }

  async function tryOne(target: ControlTarget): Promise<Outcome> {
    let end: SessionEnd;
    let admitted = false;
    try {
      const transport = await deps.connect(target.url, { signal: stopping.signal });
      end = await new Promise<SessionEnd>((resolve) => {
        endSession = resolve;
        session = startSession(
          transport,
          { ...deps.session(), channelKey: target.channelKey },
          {
            ...deps,
            ended: resolve,
            checkServerSet: (signed) => deps.checkServerSet(signed, target.channelKey),
            handle(message) {
              if (message.kind === 'welcome') {
                admitted = true;
                lastUrl = target.url;
                log.info({ program: message.program }, 'connected to a coordinator');
                const { remoteAddress } = transport;
                change({ connected: true, url: target.url, remoteAddress, problem: undefined });
              }
              take(message);
              if (message.kind === 'refused') resolve(refusal(message));
            },
          },
        );
        if (stopping.signal.aborted) resolve({ code: 'CLOSED', message: 'stopped' });
      });
    } catch (error) {
      const message = error instanceof Error ? error.message || String(error) : String(error);
      end = { code: 'CLOSED', message };
    }
    session?.close();
    session = undefined;
    requests.end();
    if (stopping.signal.aborted) return { admitted, end };
    log.info({ code: end.code, why: end.message }, admitted ? 'the channel ended' : 'no channel to a coordinator');
    change({ ...OFFLINE, problem: { ...end, message: `${target.url}: ${end.message}` } });
    return { admitted, end: state.problem! };
  }

  function take(message: SessionMessage): void {
    if (message.kind === 'response') requests.resolve(message.id, message.result);
    else if (message.kind === 'failure') requests.reject(message.id, message.code, message.message);
    else deps.handle(message);
  }

  void run();
  return {
    get state() {
      return state;
    },
    send: (message) => session?.send(message),
    prove: (nodePrivate) => session?.prove(nodePrivate),
    async request(operation, input, signal) {
      if (session === undefined || !state.connected) {
        throw new DaemonError('NOT_CONNECTED', `no coordinator is connected: ${state.problem?.message ?? 'try again'}`);
      }
      const { id, answer } = requests.open(signal);
      session.send({ kind: 'request', id, operation, input });
      return answer;
    },
    poke() {
      session?.check();
      waking.abort();
    },
    reconnect: (end) => endSession?.(end),
    stop() {
      stopping.abort(new Error('stopped'));
      session?.close();
      endSession?.({ code: 'CLOSED', message: 'stopped' });
      state = { ...OFFLINE, problem: undefined };
    },
  };
}

function refusal({ code, message }: Extract<SessionMessage, { kind: 'refused' }>): SessionEnd {
  if (code === 'REPLACED') return { code, message: REPLACED };
  // Alone it is like a server that is not there.
  if (code === 'TRY_LATER') return { code, message };
  return { code: 'REFUSED', message: `${message} (${code})` };
}

function nameOf({ url, channelKey }: ControlTarget): string {
  return `${url} ${encodeBase64(channelKey)}`;
}

/** The server that worked last comes first. */
function ordered(targets: readonly ControlTarget[], lastUrl: string | undefined): ControlTarget[] {
  return [...targets.filter(({ url }) => url === lastUrl), ...targets.filter(({ url }) => url !== lastUrl)];
}
