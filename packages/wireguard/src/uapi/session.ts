/** One connection to the configuration socket: operations in, replies out. */
import type { Device } from '../device-api.ts';
import { ERRNO, failureOf, type UapiFailure } from './errno.ts';
import { formatDevice } from './get.ts';
import type { UapiHost } from './host.ts';
import { createLineReader, MAX_LINE_BYTES } from './lines.ts';
import type { Mutex } from './mutex.ts';
import { createSetOperation, type SetOperation } from './set.ts';
import { readText } from './values.ts';

export interface UapiDeps {
  readonly device: Device;
  readonly host: UapiHost;
  /** Monotonic milliseconds, as for the device. */
  readonly now: () => number;
  /** Takes one line for each operation that failed. It names the field and the value, and never a secret. */
  readonly log: (line: string) => void;
}

/** A connection. Its calls may overlap; they are done one after the other. */
export interface UapiSession {
  /**
   * Takes bytes as they came, cut anywhere, and zeroes them. Resolves when every operation that they completed
   * was done and answered: read on only then.
   */
  receive(chunk: Uint8Array): Promise<void>;
  /** The other side has ended its half: an operation under way is committed and answered. Nothing comes after. */
  end(): Promise<void>;
  /** The connection broke: what was applied stays, an unfinished line is dropped, nothing is answered. */
  abort(): Promise<void>;
  /** What came was no operation, or a line too long: close the connection. */
  readonly isClosed: boolean;
}

/** Where in an operation the next line stands; `failed` reads on to the end of one that was answered. */
type State = 'between' | 'get' | 'set' | 'failed' | 'closed';

/**
 * @param mutex shared by every connection of the device
 * @param reply takes a whole reply; when it returns a promise, the next operation waits for it
 */
export function createUapiSession(
  deps: UapiDeps,
  mutex: Mutex,
  reply: (text: string) => void | Promise<void>,
): UapiSession {
  const { device, host, now, log } = deps;
  const lines = createLineReader();
  let state: State = 'between';
  let operation: SetOperation | undefined;
  let lineNumber = 0;
  let release = (): void => {};
  let turn: Promise<void> = Promise.resolve();

  async function beginOperation(line: string): Promise<void> {
    if (line === '') return;
    if (line === 'get=1') {
      state = 'get';
    } else if (line === 'set=1') {
      release = await mutex.acquire();
      operation = createSetOperation(device, host, now);
      lineNumber = 1;
      state = 'set';
    } else {
      log('uapi: expected get=1 or set=1');
      state = 'closed';
    }
  }

  async function answerGet(line: Uint8Array): Promise<void> {
    if (line.length > 0) {
      log(`uapi get: expected an empty line, got ${line.length} characters`);
      state = 'failed';
      return reply(`errno=${ERRNO.EINVAL}\n\n`);
    }
    state = 'between';
    const done = await mutex.acquire();
    let text: string;
    try {
      text = `${formatDevice(device, host)}errno=${ERRNO.OK}\n\n`;
    } finally {
      done();
    }
    return reply(text);
  }

  function applyLine(line: Uint8Array): void | Promise<void> {
    lineNumber++;
    if (line.length === 0) return finishSet();
    try {
      return operation!.apply(line)?.catch((thrown: unknown) => finishSet(failureOf(thrown)));
    } catch (thrown) {
      return finishSet(failureOf(thrown));
    }
  }

  // Runs the end of a set exactly once, on whichever way it ends.
  function commit(failure: UapiFailure | undefined): UapiFailure | undefined {
    let outcome = failure;
    try {
      operation!.finish(failure !== undefined);
    } catch (thrown) {
      outcome ??= failureOf(thrown);
    }
    operation = undefined;
    state = failure === undefined ? 'between' : 'failed';
    if (outcome !== undefined) log(`uapi set, line ${lineNumber}: ${outcome.message}`);
    release();
    host.changed();
    return outcome;
  }

  function finishSet(failure?: UapiFailure): void | Promise<void> {
    const outcome = commit(failure);
    return reply(`errno=${outcome?.errno ?? ERRNO.OK}\n\n`);
  }

  function handleLine(line: Uint8Array): void | Promise<void> {
    switch (state) {
      case 'between':
        return beginOperation(readText(line));
      case 'get':
        return answerGet(line);
      case 'set':
        return applyLine(line);
      case 'failed':
        if (line.length === 0) state = 'between';
        return;
      case 'closed':
        return;
    }
  }

  async function receive(chunk: Uint8Array): Promise<void> {
    lines.push(chunk);
    try {
      for (let line = lines.next(); line !== undefined; line = lines.next()) {
        const step = handleLine(line);
        if (step !== undefined) await step;
        line.fill(0);
      }
      if (lines.isTooLong && state !== 'closed') await refuseLongLine();
      else if (operation !== undefined) host.changed();
    } finally {
      chunk.fill(0);
    }
  }

  async function refuseLongLine(): Promise<void> {
    const message = `expected at most ${MAX_LINE_BYTES} characters a line`;
    if (operation !== undefined) await finishSet({ errno: ERRNO.EIO, message });
    else log(`uapi: ${message}`);
    state = 'closed';
    lines.clear();
  }

  async function end(): Promise<void> {
    const line = lines.rest();
    if (line.length > 0 && state === 'set') await applyLine(line);
    line.fill(0);
    if (operation !== undefined) await finishSet();
    close();
  }

  function close(): void {
    state = 'closed';
    lines.clear();
  }

  function inTurn(step: () => Promise<void>): Promise<void> {
    const result = turn.then(step);
    turn = result.catch(() => {});
    return result;
  }

  return {
    get isClosed() {
      return state === 'closed';
    },
    receive: (chunk) => inTurn(() => receive(chunk)),
    end: () => inTurn(end),
    abort: () =>
      inTurn(async () => {
        if (operation !== undefined) commit({ errno: ERRNO.EIO, message: 'the connection broke' });
        close();
      }),
  };
}
