import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { startDetached, stopDetached } from '../background.ts';
import { type CliContext, hasSystemd } from '../context.ts';
import { CliError } from '../exit.ts';
import { formatListen } from '../settings/parse.ts';
import type { Settings } from '../settings/read.ts';
import { untilRunning } from './until-running.ts';

const UNIT = 'pcloud.service';
const UNIT_PATIENCE_MS = 20_000;
export const DAEMON_LOG = 'daemon.log';

/** The daemon that answers here. */
export interface FoundDaemon {
  /** Whether it was started just now. */
  readonly isNew: boolean;
  /** Ends one that was started just now in the background, and waits for its end. */
  stop(): Promise<void>;
}

/**
 * Finds the daemon, or starts it: by the service manager where that has it, else in the background, with its
 * log in the runtime directory.
 * @throws CliError with the daemon's own word
 */
export async function findOrStartDaemon(settings: Settings, context: CliContext): Promise<FoundDaemon> {
  if (await isRunning(settings.runtimeDir)) return { isNew: false, stop: async () => {} };
  if (!context.isRoot)
    throw new CliError('failed', 'the daemon does not run, and only root can start it; run it with sudo');
  if (isService(settings)) return startService(settings);
  return startChild(settings, context);
}

async function isRunning(runtimeDir: string): Promise<boolean> {
  const { askDaemon, DaemonError } = await import('@pcloud/daemon');
  try {
    await askDaemon(runtimeDir, { method: 'GET', path: '/status' });
    return true;
  } catch (error) {
    if (error instanceof DaemonError && error.code === 'NOT_RUNNING') return false;
    throw error;
  }
}

/** Whether systemd has a unit for the daemon of these directories. */
function isService({ stateDir, runtimeDir }: Settings): boolean {
  if (stateDir !== '/var/lib/pcloud' || runtimeDir !== '/run/pcloud' || !hasSystemd()) return false;
  return spawnSync('systemctl', ['cat', UNIT], { stdio: 'ignore' }).status === 0;
}

async function startService({ runtimeDir }: Settings): Promise<FoundDaemon> {
  const { status, stderr } = spawnSync('systemctl', ['start', UNIT], { encoding: 'utf8' });
  if (status !== 0) {
    const why = stderr.trim().split('\n')[0] ?? '';
    throw new CliError('failed', `${UNIT} does not start (${why}); "journalctl -u ${UNIT}" says more`);
  }
  await untilRunning(runtimeDir, UNIT_PATIENCE_MS);
  return { isNew: true, stop: async () => void spawnSync('systemctl', ['stop', UNIT], { stdio: 'ignore' }) };
}

async function startChild(settings: Settings, { environment }: CliContext): Promise<FoundDaemon> {
  const { stateDir, runtimeDir, tun, name, port, dns, logLevel, metrics, config } = settings;
  const log = openLog(runtimeDir);
  const args = ['daemon', '--state-dir', stateDir, '--runtime-dir', runtimeDir, '--tun', tun, '--name', name];
  if (port !== undefined) args.push('--port', String(port));
  if (dns !== undefined) args.push('--dns', dns);
  if (logLevel !== undefined) args.push('--log-level', logLevel);
  if (metrics !== undefined) args.push('--metrics', formatListen(metrics));
  if (config !== undefined) args.push('--config', config);
  const { child, failure } = await startDetached({ environment, args, output: log });
  closeSync(log);
  if (failure !== undefined) throw new CliError('failed', failure);
  return { isNew: true, stop: () => stopDetached(child) };
}

/** The log of the one before stays beside it: it may say why that one ended. */
function openLog(runtimeDir: string): number {
  const path = join(runtimeDir, DAEMON_LOG);
  try {
    mkdirSync(runtimeDir, { recursive: true, mode: 0o755 });
    renameSync(path, `${path}.1`);
  } catch {
    // There was none; what else is wrong, opening it says.
  }
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError('failed', `"${path}": cannot be written (${code}); choose another place with --runtime-dir`);
  }
}
