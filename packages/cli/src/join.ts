/** Getting this device into its network, for `up` and `login`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { JoinOutcome, JoinTarget } from '@pcloud/daemon';
import type { CliContext } from './context.ts';
import { type FoundDaemon, findOrStartDaemon } from './daemon/start-daemon.ts';
import { CliError } from './exit.ts';
import type { Settings } from './settings/read.ts';

const JOIN_LIMIT_MS = 60_000;

export interface Joined {
  readonly name: string;
  readonly addresses: readonly string[];
}

/**
 * The network that a link names.
 * @throws NetmapError: the link's fault, before anything is started
 */
export async function targetOf(link: string): Promise<JoinTarget> {
  const { NetmapError, parseJoinLink } = await import('@pcloud/netmap');
  const read = parseJoinLink(link);
  if (read instanceof NetmapError) {
    throw new CliError('usage', `${read.message}${nextStep(link, read.code)}`, { cause: read });
  }
  const { targetOfLink } = await import('@pcloud/daemon');
  return targetOfLink(read);
}

/** What to do about a link that is none. */
function nextStep(link: string, code: string): string {
  if (code !== 'LINK_INVALID') return '';
  if (/^https?:\/\/[^/#]+\/?$/i.test(link.trim())) {
    return '; to join a server without a link, name it with --login-server https://HOST:PORT';
  }
  return '; copy it again, whole and in quotes';
}

/**
 * Joins the network of a target, or resumes without one, and returns when the map is applied. A daemon that was
 * started for it is ended again when it did not work.
 * @param pending is told what somebody has to approve
 * @throws CliError, DaemonError, DaemonRefusal
 */
export async function joinNetwork(
  target: JoinTarget | undefined,
  settings: Settings,
  context: CliContext,
  pending: (code: string, url: string) => void,
): Promise<Joined> {
  // What a running daemon knows, it says itself.
  const isMember = existsSync(join(settings.stateDir, 'membership.json'));
  if (target === undefined && !isMember) {
    throw new CliError('failed', 'this device belongs to no network; run "pcloud up LINK" with a join link');
  }
  const daemon = await findOrStartDaemon(settings, context);
  try {
    return await settle(await ask(settings, '/up', target), settings, pending);
  } catch (error) {
    if (!isMember) await endNew(daemon);
    throw error;
  }
}

async function settle(
  outcome: JoinOutcome,
  settings: Settings,
  pending: (code: string, url: string) => void,
): Promise<Joined> {
  switch (outcome.kind) {
    case 'joined':
      return { name: outcome.name, addresses: outcome.addresses };
    case 'pending': {
      pending(outcome.code, outcome.url);
      const { askDaemon } = await import('@pcloud/daemon');
      const input = { for: 'joined', timeoutMs: outcome.expiresInMs };
      const value = await askDaemon(settings.runtimeDir, { method: 'POST', path: '/wait', input });
      return settle(value as JoinOutcome, settings, pending);
    }
    case 'refused':
      throw new CliError('refused', `the server refuses this device (${outcome.code}): ${outcome.message}`);
    case 'unreachable':
      throw new CliError(
        'notRunning',
        `no server of the network answers (${outcome.code}: ${outcome.message}); check that it runs and can be reached from here`,
      );
  }
}

async function ask({ runtimeDir }: Settings, path: string, target: JoinTarget | undefined): Promise<JoinOutcome> {
  const { askDaemon } = await import('@pcloud/daemon');
  const input = { timeoutMs: JOIN_LIMIT_MS, ...(target === undefined ? {} : { target }) };
  return (await askDaemon(runtimeDir, { method: 'POST', path, input })) as JoinOutcome;
}

function endNew(daemon: FoundDaemon): Promise<void> {
  return daemon.isNew ? daemon.stop() : Promise.resolve();
}
