/**
 * The recovery kit. All of it works on the files of this machine: nothing that answers on a socket, not even to
 * root, ever hands out the root.
 */
import type { Command } from 'commander';
import { addExamples, type Call, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../exit.ts';
import { isOnSameDisk, readKit, writeKit } from '../seed/kit-file.ts';
import { coordinatorStateDir } from '../seed/root.ts';
import type { Settings } from '../settings/read.ts';
import { formatRecovery } from '../texts/recovery.ts';

interface TakeOptions {
  readonly file?: string;
  readonly words?: boolean;
  readonly print?: boolean;
}

const NOTES = `
The root of a network decides which servers are the network's. It is made at the
first start, on the seed. The kit is that root: take it, prove that you have it,
and the seed forgets it. Keep it where no machine that is online reaches it.`;

export function addRecovery(program: Command, context: CliContext): void {
  const recovery = program
    .command('recovery')
    .description("take the root of the network away from the seed's disk, and prove that you have it")
    .addHelpText('after', NOTES);
  addExamples(recovery, [
    ['pcloud recovery take --words', '24 words, to be written down'],
    ['pcloud recovery take --file /media/stick/kit', 'a file on a stick'],
    ['pcloud recovery take --print | lp', 'a page of paper'],
    ['pcloud recovery confirm', 'asks for the words; the seed then forgets them'],
    ['pcloud recovery confirm --file /media/stick/kit', 'reads the stick'],
  ]);

  const take = recovery.command('take').description('give the recovery kit out, in one of three forms');
  take.option('--file <FILE>', 'write a file, which must not be there yet');
  take.option('--words', 'print 24 words').option('--print', 'print a page for a printer');
  onCall<TakeOptions>(take, context, takeKit);

  const confirm = recovery
    .command('confirm')
    .description('prove that you have the kit, by its words or its file; the root on this disk is then destroyed')
    .option('--file <FILE>', 'the file (default: asks for the words, or reads standard input)');
  onCall<{ file?: string }>(confirm, context, confirmKit);

  const status = recovery.command('status').description('say whether the kit was taken and confirmed');
  onCall(status, context, async ({ settings, answer }) => {
    const { recoveryStatus } = await import('@pcloud/coordinator');
    const found = recoveryStatus(coordinatorStateDir(settings));
    answer(found, formatRecovery(found, context.columns));
  });
}

async function takeKit({ context, settings, options, answer }: Call<TakeOptions>): Promise<void> {
  const { file, words, print } = options;
  if ([file, words, print].filter((each) => each !== undefined).length !== 1) {
    throw new CliError('usage', 'recovery take: expected one of --file FILE, --words and --print');
  }
  const coordinator = await import('@pcloud/coordinator');
  const stateDir = coordinatorStateDir(settings);
  coordinator.takeKit(stateDir, Date.now(), (kit) => {
    const { networkId } = kit;
    if (file !== undefined) {
      writeKit(file, settings.stateDir, coordinator.formatKitFile(kit));
      answer({ networkId, file }, `${file} has the recovery kit.\n`);
      if (isOnSameDisk(file, stateDir)) context.err(`${file} is on the disk that it is to leave: move it elsewhere.\n`);
    } else if (words) {
      const text = coordinator.formatWords(kit.root);
      answer({ networkId, words: text.split(' ') }, `${text}\n`);
    } else {
      const page = coordinator.formatKitPage(kit, Date.now());
      answer({ networkId, page }, page);
    }
  });
  await note(settings, context, 'recovery.take');
  context.err('Once you have it: pcloud recovery confirm\n');
}

async function confirmKit({ context, settings, options, answer }: Call<{ file?: string }>): Promise<void> {
  const { confirmKit, recoveryStatus } = await import('@pcloud/coordinator');
  const stateDir = coordinatorStateDir(settings);
  // Whoever asks on the wrong machine is told so before they type.
  recoveryStatus(stateDir);
  const text = options.file === undefined ? await readProof(context) : readKit(options.file);
  const confirmed = confirmKit(stateDir, text, Date.now());
  await note(settings, context, 'recovery.confirm');
  answer(
    confirmed,
    confirmed.destroyed
      ? 'That is it. The root is not on this disk any more: the kit alone has it.\n'
      : 'That is it. It was confirmed before, and the kit alone has the root.\n',
  );
}

/** In the audit log: of a coordinator that runs, for the files of one that rests are left alone. */
async function note(settings: Settings, context: CliContext, action: string): Promise<void> {
  const { askCoordinator } = await import('@pcloud/coordinator');
  try {
    await askCoordinator(settings.runtimeDir, 'recovery.note', { action });
  } catch (error) {
    if ((error as { code?: string }).code === 'NOT_RUNNING') return;
    context.err(`It is not in the audit log: ${(error as Error).message}\n`);
  }
}

async function readProof(context: CliContext): Promise<string> {
  if (!context.isTerminal) return context.readInput();
  return (await context.ask('The 24 words: ')) ?? '';
}
