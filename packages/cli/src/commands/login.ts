import type { MeshStatus } from '@pcloud/daemon';
import type { Command } from 'commander';
import { addExamples, type Call, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { addSettings } from '../settings/options.ts';
import { OF_DAEMON } from '../settings/table.ts';
import { bringUp } from './up.ts';

export function addLogin(program: Command, context: CliContext): void {
  const command = program
    .command('login')
    .description(
      'ask a server to let this device in, or to renew its key: shows a code that somebody who is signed in types',
    )
    .argument('[url]', 'of the server; without one the key of this device is renewed')
    .option('--pin <ID>', "the network's id, where the server's certificate is not a trusted one");
  addSettings(command, OF_DAEMON);
  addExamples(command, [
    ['pcloud login https://pcloud.example.org', 'as "pcloud up --login-server" does'],
    ['pcloud login', 'the key of this device expires soon, or has expired'],
  ]);
  onCall<{ pin?: string }>(command, context, async (call) => {
    const { pin } = call.options;
    if (call.args[0] === undefined) return renewKey(call);
    await bringUp(call, undefined, { loginServer: call.args[0], ...(pin === undefined ? {} : { pin }) });
  });
}

/** Asks for this device's key to be renewed, and returns when it is. */
async function renewKey({ context, settings, json, answer }: Call<unknown>): Promise<void> {
  const { askDaemon } = await import('@pcloud/daemon');
  const asked = (await askDaemon(settings.runtimeDir, { method: 'POST', path: '/renew' })) as Asked;
  const { code, url, expiresInMs } = asked;
  if (json) context.out(`${JSON.stringify({ event: 'pending', code, url })}\n`);
  else
    context.out(`To renew the key of this device, its owner or an admin opens\n\n  ${url}\n\nand types   ${code}\n\n`);
  const input = { for: 'renewed', timeoutMs: expiresInMs };
  const key = (await askDaemon(settings.runtimeDir, { method: 'POST', path: '/wait', input })) as MeshStatus['key'];
  answer({ key }, 'The key of this device is renewed.\n');
}

interface Asked {
  readonly code: string;
  readonly url: string;
  readonly expiresInMs: number;
}
