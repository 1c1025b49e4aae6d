import type { Command } from 'commander';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { createLog } from '../log.ts';
import { startMetrics } from '../metrics/index.ts';
import { startCoordinatorHere } from '../seed/start-coordinator.ts';
import { addSettings } from '../settings/options.ts';
import { OF_COORDINATOR } from '../settings/table.ts';
import { watchSignals } from '../signals.ts';

export function addCoordinator(program: Command, context: CliContext): void {
  const command = program
    .command('coordinator')
    .description('the coordinator alone, in the foreground, for a service manager')
    .addHelpText('after', '\nIt prints no link: "pcloud invite" and "pcloud users add --owner NAME" are for that.');
  addSettings(command, [...OF_COORDINATOR, 'logLevel', 'metrics']);
  addExamples(command, [['pcloud coordinator --public-url https://HOST:8443', 'a server that is no node itself']]);
  onCall(command, context, async ({ settings, json }) => {
    const signals = watchSignals();
    const log = await createLog(settings.logLevel ?? 'info', json);
    const { coordinator, remark } = await startCoordinatorHere(settings, log);
    const closeMetrics = await startMetrics(settings.metrics, { coordinator }).catch(async (error) => {
      await coordinator.close();
      throw error;
    });
    const { networkId, urls } = coordinator;
    if (json) context.out(`${JSON.stringify({ event: 'ready', networkId, urls })}\n`);
    else context.out(`${remark === undefined ? '' : `${remark}\n`}Network ${networkId} at ${urls.join(', ')}\n`);
    await signals.first;
    await closeMetrics();
    await coordinator.close();
  });
}
