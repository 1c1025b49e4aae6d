import type { RunningCoordinator } from '@pcloud/coordinator';
import type { Command } from 'commander';
import { addExamples, type Call, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../exit.ts';
import { createLog } from '../log.ts';
import { startMetrics } from '../metrics/index.ts';
import { findOwners, offerFirstAccount } from '../seed/first-account.ts';
import { startFirstServer } from '../seed/first-server.ts';
import { startCoordinatorHere } from '../seed/start-coordinator.ts';
import { addSettings } from '../settings/options.ts';
import { OF_COORDINATOR, OF_DAEMON } from '../settings/table.ts';
import { type Signals, watchSignals } from '../signals.ts';
import { formatWelcome, type Welcome } from '../texts/welcome.ts';

interface SeedOptions {
  /** Commander's word for `--no-links`. */
  readonly links: boolean;
}

const NOTES = `
It runs until Ctrl-C, which leaves the machine as it was found; a second start resumes. SIGTERM leaves the
interface to the next start, so that what runs on the tunnel goes on over a restart.`;

export function addSeed(program: Command, context: CliContext): void {
  const command = program
    .command('seed')
    .description('start a network: its coordinator, and this machine as its first server, in the foreground')
    .option('--no-links', 'print no link that lets somebody in, for a log that others read')
    .addHelpText('after', NOTES);
  addSettings(command, OF_COORDINATOR);
  addSettings(command, OF_DAEMON);
  addExamples(command, [
    ['pcloud seed', 'on a machine that others reach'],
    ['pcloud seed --public-url https://home.example.org:8443', 'behind a router that forwards 8443 and UDP 51820'],
    ['pcloud seed --network 10.77.0.0/16', 'where 10.0.0.0/16 is in use'],
  ]);
  onCall<SeedOptions>(command, context, async (call) => {
    if (!context.isRoot) throw new CliError('failed', 'seed: only root can make an interface; run it with sudo');
    await runSeed(call, watchSignals());
  });
}

async function runSeed(call: Call<SeedOptions>, signals: Signals): Promise<void> {
  const { context, settings, json } = call;
  // On a terminal, what is printed is for the person before it.
  const log = await createLog(settings.logLevel ?? (context.isTerminal ? 'error' : 'info'), json);
  const { coordinator, listen, remark } = await startCoordinatorHere(settings, log);
  try {
    const first = await startFirstServer(settings, coordinator, listen, log, signals.ending);
    let keepInterface = false;
    let closeMetrics = async (): Promise<void> => {};
    try {
      closeMetrics = await startMetrics(settings.metrics, { coordinator, daemon: first.daemon });
      await coordinator.listenOnMesh(first.addresses);
      // A question that nobody answers does not keep it from ending.
      await Promise.race([greet({ ...first, remark }, coordinator, call, signals.ending), signals.first]);
      keepInterface = (await signals.first) === 'SIGTERM';
    } finally {
      await closeMetrics();
      await first.daemon.close({ keepInterface });
    }
  } catch (error) {
    // Asked to end while it started: then it has ended as it was to.
    if (!signals.ending.aborted) throw error;
  } finally {
    await coordinator.close();
  }
}

/** On a terminal the account comes first, so that the device that joins by the link is its owner's. */
async function gather(
  facts: Pick<Welcome, 'name' | 'addresses' | 'remark'>,
  coordinator: RunningCoordinator,
  { context, options, settings, json }: Call<SeedOptions>,
): Promise<Welcome> {
  const { askCoordinator } = await import('@pcloud/coordinator');
  const ask = (operation: string, input: unknown) => askCoordinator(settings.runtimeDir, operation, input);
  let owners = await findOwners(ask);
  if (context.isTerminal && !json && owners.length === 0) {
    await offerFirstAccount(context, ask);
    owners = await findOwners(ask);
  }
  const { networkId, urls } = coordinator;
  const isRootHere = coordinator.isRootHere();
  const welcome = { ...facts, networkId, urls, isRootHere, isOwned: owners.length > 0 };
  if (!options.links) return welcome;
  const { link: joinLink } = (await ask('invites.create', {})) as { link: string };
  return { ...welcome, links: { adminUrl: await coordinator.adminUrl(), joinLink } };
}

async function greet(
  facts: Pick<Welcome, 'name' | 'addresses' | 'remark'>,
  coordinator: RunningCoordinator,
  call: Call<SeedOptions>,
  ending: AbortSignal,
): Promise<void> {
  const gathered = await gather(facts, coordinator, call);
  if (!ending.aborted) await welcome(gathered, call);
}

async function welcome(facts: Welcome, { context, json }: Call<SeedOptions>): Promise<void> {
  const { links, name, addresses, networkId, urls } = facts;
  if (json) {
    context.out(`${JSON.stringify({ event: 'ready', ...links, name, addresses, networkId, urls })}\n`);
    return;
  }
  const qrCode = context.isTerminal && links ? await drawQrCode(links.joinLink, context.columns) : undefined;
  context.out(formatWelcome(facts, qrCode));
  context.out('Ctrl-C ends it.\n\n');
}

/** Undefined when the terminal has no room for it. */
async function drawQrCode(text: string, columns: number): Promise<string | undefined> {
  const { renderUnicodeCompact } = await import('uqr');
  const code = renderUnicodeCompact(text, { border: 2 });
  return code.split('\n')[0]!.length <= columns ? code : undefined;
}
