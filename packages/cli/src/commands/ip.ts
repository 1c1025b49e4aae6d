import type { MeshStatus } from '@pcloud/daemon';
import type { Command } from 'commander';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../exit.ts';

export function addIp(program: Command, context: CliContext): void {
  const command = program
    .command('ip')
    .description('print addresses of this device or another node, one a line')
    .argument('[node]', 'name or address (default: this device)')
    .option('-4', 'IPv4 only')
    .option('-6', 'IPv6 only');
  addExamples(command, [
    ['pcloud ip -4', "this device's IPv4 address"],
    ['ssh root@$(pcloud ip -4 server1)', 'use one elsewhere'],
  ]);
  onCall<{ 4?: boolean; 6?: boolean }>(command, context, async ({ settings, args: [node], options, answer }) => {
    const { askDaemon } = await import('@pcloud/daemon');
    const { runtimeDir } = settings;
    const found =
      node === undefined
        ? ((await askDaemon(runtimeDir, { method: 'GET', path: '/status' })) as MeshStatus).self
        : await askDaemon(runtimeDir, { method: 'POST', path: '/whois', input: { node } });
    if (found === null) {
      throw new CliError('failed', 'this device has no address yet; run "pcloud up LINK" with a join link');
    }
    const { name, addresses: all } = found as { name: string; addresses: readonly string[] };
    const addresses = all.filter((each) => options[4] === options[6] || options[each.includes(':') ? 6 : 4]);
    answer({ name, addresses }, addresses.map((each) => `${each}\n`).join(''));
  });
}
