/** A network into one file, and out of it. Keys are read from and written to the disk of this machine, and no socket. */
import type { Command } from 'commander';
import { addExamples, type Call, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../exit.ts';
import { readKit, writeNew } from '../seed/kit-file.ts';
import { coordinatorStateDir } from '../seed/root.ts';
import { formatTime } from '../texts/time.ts';
import { VERSION } from '../version.ts';

const NOTES = `
A backup is the store of the coordinator at one moment, and the keys of this server. Once the recovery kit
was taken, only the kit opens it; before that it holds the root of the network in the clear.`;

export function addAdmin(program: Command, context: CliContext): void {
  const admin = program.command('admin').description('back up a network, and put it back').addHelpText('after', NOTES);
  addExamples(admin, [
    ['pcloud admin backup /media/stick/monday', 'while the coordinator runs'],
    ['pcloud admin backup - | ssh nas "cat > monday"', 'to another machine'],
    ['pcloud admin restore monday --kit kit', 'on a new machine, before "pcloud seed"'],
  ]);

  const backup = admin.command('backup').description('write all of the network to a file; it may run meanwhile');
  backup.argument('<file>', 'which must not be there yet; - is standard output');
  onCall(backup, context, takeBackup);

  const restore = admin.command('restore').description('make the state of a coordinator from a backup');
  restore.argument('<file>', '- reads standard input');
  restore.option('--kit <FILE>', 'the recovery kit, for a sealed backup (default: asks for its words)');
  onCall<{ kit?: string }>(restore, context, putBack);
}

async function takeBackup({ context, settings, args: [file], answer }: Call): Promise<void> {
  const coordinator = await import('@pcloud/coordinator');
  const stateDir = coordinatorStateDir(settings);
  const snapshot = await coordinator.askCoordinator(settings.runtimeDir, 'backup.create', {}).catch((error) => {
    if (error.code !== 'NOT_RUNNING') throw error;
    return coordinator.snapshotAtRest(stateDir);
  });
  const options = { stateDir, deviceDir: settings.stateDir, program: `pcloud ${VERSION}`, wallMs: Date.now() };
  const { text, ...made } = coordinator.backUp(snapshot as Parameters<typeof coordinator.backUp>[0], options);
  if (file === '-') {
    context.out(text);
  } else {
    writeNew(file!, text);
    answer({ file, ...made }, `${file} has the network ${made.networkId}.\n`);
  }
  context.err(
    made.sealed
      ? 'Only the recovery kit opens it.\n'
      : 'It has the root of the network in the clear: keep it as you keep that, or first "pcloud recovery take".\n',
  );
}

async function putBack({ context, settings, args: [file], options, answer }: Call<{ kit?: string }>): Promise<void> {
  const coordinator = await import('@pcloud/coordinator');
  const text = file === '-' ? await context.readInput() : readKit(file!);
  const kit = options.kit === undefined ? undefined : readKit(options.kit);
  const needsWords = kit === undefined && coordinator.isSealed(text);
  if (needsWords && (file === '-' || !context.isTerminal)) {
    throw new CliError('usage', 'admin restore: only the recovery kit opens this backup; name its file with --kit');
  }
  const words = needsWords ? ((await context.ask('The 24 words of the recovery kit: ')) ?? '') : kit;
  const stateDir = coordinatorStateDir(settings);
  const where = { stateDir, deviceDir: settings.stateDir, kit: words, wallMs: Date.now() };
  const restored = await coordinator.restore(text, where);
  const made = formatTime(restored.madeAtMs);
  answer(
    restored,
    `The network ${restored.networkId} of ${made} is in "${stateDir}". Start it with "pcloud seed".
Links, invitations and sessions of before are void (${restored.voided}): people sign in anew, devices do not.
Not in it is what came after ${made}: whom you removed or disabled since, remove and disable again.
Revoked devices stay out: those of owners and admins tell the server of them when they are back.
The server from before must not be started any more.
`,
  );
}
