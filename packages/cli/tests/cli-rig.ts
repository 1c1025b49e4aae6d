/** Runs command lines in this process, against a daemon or a coordinator that answers what a test says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliContext } from '../src/context.ts';
import { runCli } from '../src/run.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly isTerminal?: boolean;
  readonly columns?: number;
  readonly isRoot?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** What the person before the terminal types. */
  readonly answers?: readonly (string | undefined)[];
}

export interface Asked {
  /** `POST /up` */
  readonly request: string;
  readonly input: unknown;
}

/** An answer, or a refusal. */
export type Reply = (asked: Asked) => unknown;

export class Refusal {
  readonly code: string;
  readonly message: string;
  constructor(code: string, message: string) {
    this.code = code;
    this.message = message;
  }
}

export interface CliRig {
  readonly directory: string;
  /** What was asked so far. */
  readonly asked: readonly Asked[];
  /** Answers at `daemon.sock` or `coordinator.sock` from now on. */
  serve(socket: string, reply: Reply): Promise<void>;
  run(line: string | readonly string[], options?: RunOptions): Promise<Ran>;
}

/** Gives a test a rig with directories of its own, and takes all of it away again. */
export async function withRig(act: (rig: CliRig) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-cli-'));
  const servers: Server[] = [];
  const asked: Asked[] = [];
  try {
    await act({
      directory,
      asked,
      async serve(socket, reply) {
        const server = createServer(async (request, response) => {
          const one = { request: `${request.method} ${request.url}`, input: await readJson(request) };
          asked.push(one);
          const value = await reply(one);
          response.writeHead(value instanceof Refusal ? 400 : 200, { 'content-type': 'application/json' });
          response.end(JSON.stringify(value instanceof Refusal ? { error: { ...value } } : value));
        });
        servers.push(server);
        await new Promise<void>((resolve) => server.listen(join(directory, socket), resolve));
      },
      run: (line, options = {}) => run(typeof line === 'string' ? line.split(' ') : line, directory, options),
    });
  } finally {
    for (const server of servers) server.close();
    for (const server of servers) server.closeAllConnections();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function run(args: readonly string[], directory: string, options: RunOptions): Promise<Ran> {
  let out = '';
  let err = '';
  const answers = [...(options.answers ?? [])];
  const context: CliContext = {
    environment: {
      PCLOUD_RUNTIME_DIR: directory,
      PCLOUD_STATE_DIR: join(directory, 'state'),
      ...options.environment,
    },
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    isTerminal: options.isTerminal ?? false,
    columns: options.columns ?? 80,
    isRoot: options.isRoot ?? true,
    readInput: async () => options.input ?? '',
    ask: async (question) => {
      err += question;
      return answers.shift();
    },
  };
  const code = await runCli(args, context);
  return { code, out, err };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text === '' ? undefined : JSON.parse(text);
}
