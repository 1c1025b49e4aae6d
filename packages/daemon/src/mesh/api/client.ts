import { request } from 'node:http';
import { join } from 'node:path';
import { DaemonError } from '../../errors.ts';
import type { MeshEvent } from '../events.ts';
import { DAEMON_SOCKET } from './server.ts';

/** The running daemon's refusal, with its own code. */
export class DaemonRefusal extends Error {
  override readonly name = 'DaemonRefusal';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface DaemonRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly input?: unknown;
  readonly signal?: AbortSignal;
}

/**
 * Asks the daemon that runs with this runtime directory.
 * @throws DaemonRefusal what the daemon says; DaemonError NOT_RUNNING when none runs, NOT_PERMITTED
 */
export async function askDaemon(runtimeDir: string, { method, path, input, signal }: DaemonRequest): Promise<unknown> {
  const response = await open(runtimeDir, method, path, input, signal);
  let text = '';
  for await (const chunk of response) text += chunk;
  const value = JSON.parse(text) as { error?: { code: string; message: string } };
  if (response.statusCode === 200) return value;
  throw new DaemonRefusal(value.error?.code ?? 'FAULT', value.error?.message ?? 'the daemon did not say why');
}

/** Events of the daemon as they happen, until the signal is aborted or the daemon ends. */
export async function* followDaemon(runtimeDir: string, signal?: AbortSignal): AsyncGenerator<MeshEvent> {
  const response = await open(runtimeDir, 'GET', '/events', undefined, signal);
  let held = '';
  for await (const chunk of response) {
    held += chunk;
    const lines = held.split('\n');
    held = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as MeshEvent;
  }
}

type Answer = AsyncIterable<string> & { readonly statusCode?: number | undefined };

function open(
  runtimeDir: string,
  method: string,
  path: string,
  input: unknown,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const socketPath = join(runtimeDir, DAEMON_SOCKET);
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, method, path, agent: false, ...(signal ? { signal } : {}) }, (response) => {
      response.setEncoding('utf8');
      resolve(response as unknown as Answer);
    });
    asking.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') {
        reject(new DaemonError('NOT_RUNNING', `no daemon answers at "${socketPath}"; run "pcloud up"`, { cause }));
      } else if (cause.code === 'EACCES') {
        reject(new DaemonError('NOT_PERMITTED', `"${socketPath}" is root's; run it with sudo`, { cause }));
      } else {
        reject(cause);
      }
    });
    asking.end(input === undefined ? undefined : JSON.stringify(input));
  });
}
