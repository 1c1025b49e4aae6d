import { Command } from 'commander';
import { addAdmin } from './commands/admin.ts';
import { addAudit } from './commands/audit.ts';
import { addCompletion } from './commands/completion.ts';
import { addConfigtest } from './commands/configtest.ts';
import { addCoordinator } from './commands/coordinator.ts';
import { addDaemon } from './commands/daemon.ts';
import { addDebug } from './commands/debug.ts';
import { addDown } from './commands/down.ts';
import { addInvite } from './commands/invite.ts';
import { addIp } from './commands/ip.ts';
import { addKeys } from './commands/keys.ts';
import { addLogin } from './commands/login.ts';
import { addLogout } from './commands/logout.ts';
import { addNetwork } from './commands/network.ts';
import { addNodes } from './commands/nodes.ts';
import { addPing } from './commands/ping.ts';
import { addPolicy } from './commands/policy.ts';
import { addRecovery } from './commands/recovery.ts';
import { addRotate } from './commands/rotate.ts';
import { addSeed } from './commands/seed.ts';
import { addStatus } from './commands/status.ts';
import { addTokens } from './commands/tokens.ts';
import { addUp } from './commands/up.ts';
import { addUsers } from './commands/users.ts';
import { addVersion } from './commands/version.ts';
import { addWait } from './commands/wait.ts';
import { addWhois } from './commands/whois.ts';
import type { CliContext } from './context.ts';
import { addSettings } from './settings/options.ts';
import { COMMON } from './settings/table.ts';
import { VERSION } from './version.ts';

const AFTER = `
Settings are flags, variables (PCLOUD_STATE_DIR for --state-dir) or lines of /etc/pcloud/config.yaml, in this order.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by the server, 4 not running, 5 timed out.

Examples:
  pcloud seed                                # the first server of a network of your own
  pcloud up 'https://HOST:8443/join#v=1&...' # another device joins it, by the link that seed or invite prints
  pcloud status                              # what this device sees of the network`;

/** The command `pcloud` with all that it can do. */
export function createProgram(context: CliContext): Command {
  const program = new Command('pcloud')
    .description('Your own cloud: a private WireGuard network between all your devices.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .option('--config <FILE>', 'settings (default: /etc/pcloud/config.yaml)')
    .option('--json', 'print JSON: one object, or one a line for what goes on')
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(context.columns, 120) })
    .configureOutput({
      writeOut: (text) => context.out(text),
      writeErr: (text) => context.err(text),
      outputError: (text, write) => write(`pcloud: ${oneLine(text)}; try "pcloud --help"\n`),
    })
    .exitOverride()
    .addHelpText('after', AFTER);
  addSettings(program, COMMON);
  const add = [
    [addSeed, addUp, addDown, addLogin, addLogout, addRotate],
    [addStatus, addPing, addIp, addWhois, addWait],
    [addInvite, addNetwork, addNodes, addUsers, addTokens, addPolicy, addAudit, addRecovery, addAdmin],
    [addDaemon, addCoordinator, addConfigtest],
    [addKeys, addDebug, addCompletion, addVersion],
  ].flat();
  for (const each of add) each(program, context);
  return program;
}

function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
}
