import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { CliContext } from './context.ts';
import { CliError } from './exit.ts';

/** The terminal, pipes and environment of this process. */
export function createSystemContext(): CliContext {
  return {
    environment: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal: process.stdin.isTTY === true && process.stdout.isTTY === true,
    columns: process.stdout.columns ?? 80,
    isRoot: process.getuid?.() === 0,
    readInput,
    ask: (question, options) => ask(question, options?.hidden === true),
  };
}

/** It may be a pipe that does not block. */
async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of process.stdin) chunks.push(chunk);
  } catch (error) {
    throw new CliError('failed', `standard input: cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`);
  }
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString('utf8');
  for (const each of [...chunks, bytes]) each.fill(0);
  return text;
}

function ask(question: string, isHidden: boolean): Promise<string | undefined> {
  let isMuted = false;
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!isMuted) process.stderr.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  return new Promise((resolve) => {
    lines.once('SIGINT', () => {
      lines.close();
      process.kill(process.pid, 'SIGINT');
    });
    lines.once('close', () => resolve(undefined));
    lines.question(question, (answer) => {
      resolve(answer);
      lines.close();
      if (isHidden) process.stderr.write('\n');
    });
    isMuted = isHidden;
  });
}
