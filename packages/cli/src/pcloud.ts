import { randomFillSync } from 'node:crypto';
import { fstatSync } from 'node:fs';
import { Command } from 'commander';
import { derivePublicKey, formatKey, generatePresharedKey, generatePrivateKey, parseKey } from './keys.ts';
import { guardOutput } from './output.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';

function random(out: Uint8Array): void {
  randomFillSync(out);
}

/** Prints a secret key, with a word of warning where it goes to a file that others may read. */
function printSecret(key: Uint8Array): void {
  const output = fstatSync(1);
  if (output.isFile() && (output.mode & 0o007) !== 0) {
    process.stderr.write('Warning: writing to a file that everybody may read; set the umask to 077 first.\n');
  }
  process.stdout.write(`${formatKey(key)}\n`);
  key.fill(0);
}

/** All of the standard input. It may be a pipe that does not block. @throws UsageError */
async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of process.stdin) chunks.push(chunk);
  } catch (error) {
    throw new UsageError(`standard input: cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`);
  }
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString('latin1');
  for (const each of [...chunks, bytes]) each.fill(0);
  return text;
}

function createProgram(): Command {
  const program = new Command('pcloud')
    .description('Your own cloud: a private WireGuard network between all your devices.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print help for a command')
    .showHelpAfterError('Try "pcloud --help".');
  program
    .command('genkey')
    .description('print a new private key')
    .action(() => printSecret(generatePrivateKey(random)));
  program
    .command('pubkey')
    .description('read a private key from the standard input, print its public key')
    .action(async () => {
      const privateKey = parseKey(await readInput());
      process.stdout.write(`${formatKey(derivePublicKey(privateKey))}\n`);
      privateKey.fill(0);
    });
  program
    .command('genpsk')
    .description('print a new preshared key')
    .action(() => printSecret(generatePresharedKey(random)));
  program
    .command('version')
    .description('print the version')
    .action(() => void process.stdout.write(`${VERSION}\n`));
  return program;
}

guardOutput('pcloud');
createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`pcloud: ${error.message}\n`);
    process.exitCode = 1;
  });
