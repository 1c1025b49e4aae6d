import { chmodSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { DaemonError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { listenUnix, type UnixServer } from '../../unix-server.ts';
import { OperationError } from '../control/requests.ts';
import type { MeshCore } from '../mesh-core.ts';
import type { MeshSeams } from '../seams.ts';
import { isRoot } from './callers.ts';
import { createRoutes } from './routes.ts';

/** The local API's file in the runtime directory. */
export const DAEMON_SOCKET = 'daemon.sock';
const MOST_INPUT_BYTES = 1_048_576;
/** Connections of all callers who are not root. Root always has one. */
const MOST_GUESTS = 64;

/** What becomes of a process that was started for `up` alone, once it was told to go down. */
export interface Dismissal {
  readonly pid: number;
  /** Called when who told it has the answer. */
  handle(): void;
}

/**
 * Serves the local API, HTTP with JSON on a Unix socket. Root may ask for everything, others for what changes
 * nothing; where nobody can tell who asks, the socket is root's alone.
 * @throws DaemonError ALREADY_RUNNING, SOCKET_FAILED
 */
export async function serveApi(
  runtimeDir: string,
  core: MeshCore,
  seams: Pick<MeshSeams, 'probe' | 'clock' | 'userOf'>,
  log: Logger,
  dismissal?: Dismissal,
): Promise<UnixServer> {
  const routes = createRoutes(core, seams, dismissal?.pid);
  const http = createServer((request, response) => void answer(request, response));
  // A caller who waits for an answer asks nothing more meanwhile, so that waiting cannot be piled up.
  http.maxRequestsPerSocket = 1;
  let guests = 0;

  function admit(socket: Socket): boolean {
    if (isRoot(socket, seams.userOf)) return true;
    if (guests >= MOST_GUESTS) return false;
    guests += 1;
    socket.once('close', () => {
      guests -= 1;
    });
    return true;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new DaemonError('TIMED_OUT', 'the caller is gone')));
    const name = `${request.method} ${request.url}`;
    try {
      // No browser has business here, whatever got it to ask.
      if (request.headers.origin !== undefined) return send(response, 403, refusal('FORBIDDEN', 'not for browsers'));
      if (name === 'GET /events') return follow(response);
      const found = routes.get(name);
      if (found === undefined) return send(response, 404, refusal('NOT_FOUND', `there is no "${name}"`));
      if (!found.open && !isRoot(request.socket, seams.userOf)) {
        return send(response, 403, refusal('FORBIDDEN', 'only root may do that; run it with sudo'));
      }
      const input = request.method === 'POST' ? await readInput(request) : {};
      const value = await found.run(input, gone.signal);
      // The answer is on its way before the process may end.
      if (found.dismisses) response.once('finish', () => dismissal?.handle());
      send(response, 200, value);
    } catch (error) {
      if (response.destroyed) return;
      const { code } = error as { code?: string };
      if (error instanceof OperationError) return send(response, 422, refusal(error.code, error.message));
      const isExpected = code !== undefined && error instanceof Error && /^(Daemon|Netmap)Error$/.test(error.name);
      if (!isExpected) log.error({ request: name, fault: String((error as Error).stack ?? error) }, 'a request failed');
      send(response, isExpected ? 400 : 500, refusal(code ?? 'FAULT', (error as Error).message));
    }
  }

  function follow(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.flushHeaders();
    const unfollow = core.events.follow((event) => {
      // Who does not read is cut off rather than waited for.
      if (!response.write(`${JSON.stringify(event)}\n`)) response.destroy();
    });
    response.once('close', unfollow);
  }

  const server = await listenUnix(join(runtimeDir, DAEMON_SOCKET), (socket: Socket) => {
    if (admit(socket)) http.emit('connection', socket);
    else socket.destroy();
  });
  if (seams.userOf !== undefined) chmodSync(server.path, 0o666);
  return {
    ...server,
    close() {
      server.close();
      http.closeAllConnections();
    },
  };
}

function refusal(code: string, message: string): unknown {
  return { error: { code, message } };
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}

async function readInput(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_INPUT_BYTES) throw new DaemonError('BAD_OPTION', `input: longer than ${MOST_INPUT_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (length === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new DaemonError('BAD_OPTION', 'input: expected JSON');
  }
}
