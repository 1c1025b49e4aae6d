import type { Command } from 'commander';
import { hasStarter, tellStarter } from '../background.ts';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { startDaemonHere } from '../daemon/run-daemon.ts';
import { createLog } from '../log.ts';
import { startMetrics } from '../metrics/index.ts';
import { describeError } from '../run.ts';
import { addSettings } from '../settings/options.ts';
import { OF_DAEMON } from '../settings/table.ts';
import { watchSignals } from '../signals.ts';

const NOTES = `
SIGTERM leaves the interface to the next start, so that what runs on the tunnel goes on over a restart;
SIGINT takes it away. One that "pcloud up" started in the background ends with "pcloud down". The log goes to standard error, with --json as one object a line.`;

export function addDaemon(program: Command, context: CliContext): void {
  const command = program
    .command('daemon')
    .description("this device's daemon in the foreground, for a service manager")
    .addHelpText('after', NOTES);
  addSettings(command, OF_DAEMON);
  addExamples(command, [['pcloud daemon --log-level verbose', 'see what it does']]);
  onCall(command, context, async ({ settings, json }) => {
    const signals = watchSignals();
    try {
      const log = await createLog(settings.logLevel ?? 'info', json);
      const { environment } = context;
      const daemon = await startDaemonHere(settings, settings.port, log, hasStarter(environment));
      const closeMetrics = await startMetrics(settings.metrics, { daemon }).catch(async (error) => {
        await daemon.close({ keepInterface: true });
        throw error;
      });
      tellStarter(context.environment as Record<string, string | undefined>);
      const ending = await Promise.race([signals.first, daemon.dismissed]);
      await closeMetrics();
      await daemon.close({ keepInterface: ending === 'SIGTERM' });
    } catch (error) {
      tellStarter(context.environment as Record<string, string | undefined>, describeError(error));
      throw error;
    }
  });
}
