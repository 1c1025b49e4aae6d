import { request } from 'node:http';
import { join } from 'node:path';
import { CoordinatorError, type CoordinatorErrorCode, isCoordinatorErrorCode } from '../errors.ts';
import { COORDINATOR_SOCKET } from './unix-socket.ts';

const TIMEOUT_MS = 30_000;

/**
 * Asks the coordinator of this machine, as root.
 * @throws CoordinatorError NOT_RUNNING, FORBIDDEN where the socket is not the caller's, FAILED, and what it answers
 */
export async function askCoordinator(runtimeDir: string, operation: string, input: unknown): Promise<unknown> {
  const socketPath = join(runtimeDir, COORDINATOR_SOCKET);
  const { status, text } = await post(
    socketPath,
    `/api/v1/${encodeURIComponent(operation)}`,
    JSON.stringify(input ?? {}),
  );
  const answer = readAnswer(text);
  if (status === 200 && answer !== undefined) return answer.value;
  const { code, message } = (answer?.value as { error?: { code?: string; message?: string } } | undefined)?.error ?? {};
  const known: CoordinatorErrorCode = code !== undefined && isCoordinatorErrorCode(code) ? code : 'FAILED';
  throw new CoordinatorError(known, message ?? `the coordinator answered ${status} without saying why`);
}

function readAnswer(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function post(socketPath: string, path: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const asking = request({ socketPath, path, method: 'POST', headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => reject(explain(error, socketPath)));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    asking.setTimeout(TIMEOUT_MS, () => asking.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)));
    asking.on('error', (error) => reject(explain(error, socketPath)));
    asking.end(body);
  });
}

function explain(cause: NodeJS.ErrnoException, path: string): CoordinatorError {
  if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') {
    const message = `no coordinator runs here (nobody answers at "${path}"); start it with "pcloud seed"`;
    return new CoordinatorError('NOT_RUNNING', message, { cause });
  }
  if (cause.code === 'EACCES') {
    return new CoordinatorError('FORBIDDEN', `"${path}": only root may ask there; run it with sudo`, { cause });
  }
  return new CoordinatorError('FAILED', `"${path}": ${cause.message}`, { cause });
}
