import { type LogLevel, parseLogLevel, type WireGuardOptions } from '@pcloud/daemon';
import { UsageError } from './usage-error.ts';

/** What `pcloud-wg` is asked to do. */
export type WgCommand =
  | { kind: 'run'; foreground: boolean; options: WireGuardOptions }
  | { kind: 'status'; name: string | undefined; json: boolean; runtimeDir: string }
  | { kind: 'version' }
  | { kind: 'help' };

export const WG_HELP = `Usage: pcloud-wg [OPTION]... IFNAME
       pcloud-wg status [IFNAME] [--json]

A WireGuard interface in user space. Configure it with wg(8) and wg-quick(8).

  -f, --foreground        stay in the foreground
      --crypto NAME       noble, node or native (default: the fastest that works)
      --bind NAME         native or dgram (default: native where the addon is)
      --offload on|off    let the kernel hand over many packets at once (default: on)
      --aead NAME         evp or ipsec-mb (default: the fastest that works)
      --config FILE       configuration with the host names of endpoints
                          (default: /etc/wireguard/IFNAME.conf)
      --state-dir DIR     what is kept across restarts (default: /var/lib/pcloud)
      --runtime-dir DIR   sockets for status (default: /run/pcloud)
      --json              status as JSON
      --version           print the version
  -h, --help              print this help

Environment: LOG_LEVEL (verbose, info, error, silent), WG_TUN_FD, WG_UAPI_FD,
WG_PROCESS_FOREGROUND=1, PCLOUD_STATE_DIR, PCLOUD_RUNTIME_DIR
`;

const CHOICES = {
  '--crypto': ['noble', 'node', 'native'],
  '--bind': ['native', 'dgram'],
  '--offload': ['on', 'off'],
  '--aead': ['evp', 'ipsec-mb'],
} as const;
const VALUE_OPTIONS = [
  '--crypto',
  '--bind',
  '--offload',
  '--aead',
  '--config',
  '--state-dir',
  '--runtime-dir',
] as const;
const FLAGS: Readonly<Record<string, string>> = {
  '-f': 'foreground',
  '--foreground': 'foreground',
  '--json': 'json',
  '--version': 'version',
  '-h': 'help',
  '--help': 'help',
};

type ValueOption = (typeof VALUE_OPTIONS)[number];

interface Words {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<ValueOption, string>;
  readonly positionals: readonly string[];
  /** How many positionals stand behind `--`, which are never commands. */
  readonly literal: number;
}

/**
 * Reads the arguments and the environment.
 * @param args without the program and the script
 * @throws UsageError
 */
export function parseWgArguments(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): WgCommand {
  const words = splitWords(args);
  if (words.flags.has('help')) return { kind: 'help' };
  if (words.flags.has('version')) return { kind: 'version' };
  const runtimeDir = words.values.get('--runtime-dir') ?? (environment.PCLOUD_RUNTIME_DIR || '/run/pcloud');
  const [first, ...rest] = words.positionals;
  const isStatus = first === 'status' && words.literal < words.positionals.length;
  if (isStatus) {
    expectNoMore(rest.slice(1));
    return { kind: 'status', name: rest[0], json: words.flags.has('json'), runtimeDir };
  }
  if (first === undefined) throw new UsageError('IFNAME is missing; try "pcloud-wg --help"');
  expectNoMore(rest);
  if (words.flags.has('json')) throw new UsageError('--json belongs to "pcloud-wg status"');
  return {
    kind: 'run',
    foreground: words.flags.has('foreground') || environment.WG_PROCESS_FOREGROUND === '1',
    options: {
      name: first,
      crypto: choice(words, '--crypto'),
      bind: choice(words, '--bind'),
      offload: choice(words, '--offload') !== 'off',
      aead: choice(words, '--aead'),
      configPath: words.values.get('--config') ?? `/etc/wireguard/${first}.conf`,
      stateDir: words.values.get('--state-dir') ?? (environment.PCLOUD_STATE_DIR || '/var/lib/pcloud'),
      runtimeDir,
      socketDir: '/var/run/wireguard',
      tunDescriptor: descriptor(environment, 'WG_TUN_FD'),
      uapiDescriptor: descriptor(environment, 'WG_UAPI_FD'),
    },
  };
}

/** LOG_LEVEL, `info` when it is not set. @throws UsageError */
export function readLogLevel(environment: Readonly<Record<string, string | undefined>>): LogLevel {
  const text = environment.LOG_LEVEL;
  if (text === undefined || text === '') return 'info';
  const level = parseLogLevel(text);
  if (!level) throw new UsageError(`LOG_LEVEL: expected verbose, info, error or silent, got "${text}"`);
  return level;
}

function splitWords(args: readonly string[]): Words {
  const flags = new Set<string>();
  const values = new Map<ValueOption, string>();
  const positionals: string[] = [];
  let literal = 0;
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (word === '--') {
      literal = args.length - i - 1;
      positionals.push(...args.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      positionals.push(word);
      continue;
    }
    const flag = Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
    if (flag) {
      flags.add(flag);
      continue;
    }
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    if (!isValueOption(name)) throw new UsageError(`unknown option "${word}"; try "pcloud-wg --help"`);
    const value = equals < 0 ? args[++i] : word.slice(equals + 1);
    if (value === undefined || value === '') throw new UsageError(`${name}: expected a value, got none`);
    values.set(name, value);
  }
  return { flags, values, positionals, literal };
}

function isValueOption(name: string): name is ValueOption {
  return (VALUE_OPTIONS as readonly string[]).includes(name);
}

function choice<N extends keyof typeof CHOICES>(words: Words, name: N): (typeof CHOICES)[N][number] | undefined {
  const value = words.values.get(name);
  if (value === undefined) return undefined;
  const choices: readonly string[] = CHOICES[name];
  if (!choices.includes(value)) throw new UsageError(`${name}: expected ${choices.join(', ')}, got "${value}"`);
  return value as (typeof CHOICES)[N][number];
}

function descriptor(environment: Readonly<Record<string, string | undefined>>, name: string): number | undefined {
  const text = environment[name];
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${name}: expected a file descriptor, got "${text}"`);
  return Number(text);
}

function expectNoMore(words: readonly string[]): void {
  if (words.length > 0) throw new UsageError(`unexpected argument "${words[0]}"; try "pcloud-wg --help"`);
}
