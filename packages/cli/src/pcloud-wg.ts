import { createLineLogger, DaemonError, startWireGuard, type WireGuardOptions } from '@pcloud/daemon';
import { startInBackground, tellStarter } from './background.ts';
import { guardOutput, writeLog } from './output.ts';
import { statusCommand } from './status-command.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';
import { parseWgArguments, readLogLevel, WG_HELP } from './wg-arguments.ts';

async function main(args: readonly string[]): Promise<void> {
  const command = parseWgArguments(args, process.env);
  switch (command.kind) {
    case 'help':
      process.stdout.write(WG_HELP);
      return;
    case 'version':
      process.stdout.write(`pcloud-wg ${VERSION}\n`);
      return;
    case 'status':
      process.stdout.write(await statusCommand(command));
      return;
    case 'run':
      if (command.foreground) await runForeground(command.options);
      else await runBackground(args);
  }
}

async function runBackground(args: readonly string[]): Promise<void> {
  const level = process.env.LOG_LEVEL;
  readLogLevel(process.env);
  const failure = await startInBackground(process.env, args, level !== undefined && level !== '' && level !== 'silent');
  if (failure !== undefined) throw new UsageError(failure);
  process.exit(0);
}

async function runForeground(options: WireGuardOptions): Promise<void> {
  const log = createLineLogger(options.name, readLogLevel(process.env), writeLog);
  const tunnel = await startWireGuard(options, { log, version: VERSION });
  let exitCode = 0;
  const stop = (): void => void tunnel.close();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  tellStarter(process.env);
  const error = await tunnel.closed;
  if (error) {
    log.error({ error: error.message }, 'stopped by an error');
    exitCode = 1;
  }
  process.exit(exitCode);
}

guardOutput('pcloud-wg');
main(process.argv.slice(2)).catch((error: unknown) => {
  const isExpected = error instanceof UsageError || error instanceof DaemonError;
  const message = isExpected ? error.message : `unexpected: ${error instanceof Error ? error.stack : String(error)}`;
  if (!tellStarter(process.env, message)) process.stderr.write(`pcloud-wg: ${message}\n`);
  process.exit(1);
});
