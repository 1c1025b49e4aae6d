import { randomFillSync } from 'node:crypto';
import { fstatSync } from 'node:fs';
import type { Command } from 'commander';
import { type Call, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';

/** `genkey`, `pubkey` and `genpsk`, as wg(8) has them. */
export function addKeys(program: Command, context: CliContext): void {
  onCall(program.command('genkey').description('print a new private key'), context, async (call) => {
    const { generatePrivateKey } = await import('../keys.ts');
    await printSecret(call, generatePrivateKey(random));
  });
  const pubkey = program.command('pubkey').description('read a private key from standard input, print its public key');
  onCall(pubkey, context, async ({ answer }) => {
    const { derivePublicKey, formatKey, parseKey } = await import('../keys.ts');
    const privateKey = parseKey(await context.readInput());
    const key = formatKey(derivePublicKey(privateKey));
    privateKey.fill(0);
    answer({ key }, `${key}\n`);
  });
  onCall(program.command('genpsk').description('print a new preshared key'), context, async (call) => {
    const { generatePresharedKey } = await import('../keys.ts');
    await printSecret(call, generatePresharedKey(random));
  });
}

function random(out: Uint8Array): void {
  randomFillSync(out);
}

/** Prints a secret key, with a word of warning where it goes to a file that others may read. */
async function printSecret({ context, answer }: Call<unknown>, bytes: Uint8Array): Promise<void> {
  const { formatKey } = await import('../keys.ts');
  const output = fstatSync(1);
  if (output.isFile() && (output.mode & 0o007) !== 0) {
    context.err('Warning: writing to a file that everybody may read; set the umask to 077 first.\n');
  }
  const key = formatKey(bytes);
  bytes.fill(0);
  answer({ key }, `${key}\n`);
}
