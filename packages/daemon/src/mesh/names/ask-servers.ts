import type { Clock } from '../../clock.ts';
import { FLAGS, isAnswerTo } from './message.ts';
import type { Transport } from './query.ts';
import { RCODES } from './write-answer.ts';

/** Sends a question to a server, and resolves with the first answer that is accepted. Rejects when there can be none. */
export type AskServer = (server: string, question: Uint8Array, options: AskOptions) => Promise<Uint8Array>;

export interface AskOptions {
  readonly transport: Transport;
  readonly accepts: (answer: Uint8Array) => boolean;
  readonly signal: AbortSignal;
}

export interface AskServersDeps {
  readonly ask: AskServer;
  readonly clock: Pick<Clock, 'setTimer'>;
}

export interface Round {
  /** The first server first. */
  readonly servers: readonly string[];
  readonly question: Uint8Array;
  readonly transport: Transport;
  /** Ends it with no answer. */
  readonly signal: AbortSignal;
}

export interface RoundAnswer {
  readonly answer: Uint8Array;
  readonly server: string;
}

/** Programs wait five seconds before they ask again: the last word comes before. */
const ATTEMPTS = 4;
const ATTEMPT_MS = 1_100;

/**
 * Asks one server after another, and again from the first, while the answer of a slow one is still taken.
 * @returns the first useful answer, or one that refuses; undefined when nobody said anything
 */
export function askServers(round: Round, { ask, clock }: AskServersDeps): Promise<RoundAnswer | undefined> {
  const { servers, question, transport, signal } = round;
  return new Promise((resolve) => {
    const controller = new AbortController();
    let started = 0;
    let failed = 0;
    let refusal: RoundAnswer | undefined;
    let cancel = (): void => {};

    function finish(result: RoundAnswer | undefined): void {
      cancel();
      signal.removeEventListener('abort', abort);
      controller.abort();
      resolve(result);
    }
    const abort = (): void => finish(undefined);

    function next(): void {
      cancel();
      const server = servers[started % servers.length]!;
      started += 1;
      cancel = clock.setTimer(started < ATTEMPTS ? next : () => finish(refusal), ATTEMPT_MS);
      const accepts = (answer: Uint8Array): boolean => isAnswerTo(question, answer);
      ask(server, question, { transport, accepts, signal: controller.signal }).then(
        (answer) => handleAnswer({ answer, server }),
        handleFailure,
      );
    }

    function handleAnswer(result: RoundAnswer): void {
      if (controller.signal.aborted) return;
      if (isUseful(result.answer)) {
        finish(result);
      } else {
        refusal = result;
        handleFailure();
      }
    }

    function handleFailure(): void {
      if (controller.signal.aborted) return;
      failed += 1;
      // Everybody said no, or there was nobody to say anything.
      if (failed === started && started >= Math.min(servers.length, ATTEMPTS)) finish(refusal);
      else if (started < ATTEMPTS) next();
    }

    signal.addEventListener('abort', abort, { once: true });
    if (servers.length === 0 || signal.aborted) finish(undefined);
    else next();
  });
}

/** Another server may do better than one that fails or refuses. */
function isUseful(answer: Uint8Array): boolean {
  const rcode = answer[3]! & FLAGS.rcode;
  return rcode !== RCODES.serverFailure && rcode !== RCODES.refused && rcode !== RCODES.notImplemented;
}
