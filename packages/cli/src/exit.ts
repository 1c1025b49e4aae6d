/** What `pcloud` ends with: docs/cli.md has them for people. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** The server said no, with a code of its own. */
  refused: 3,
  /** No daemon answers here, or no server of the network. */
  notRunning: 4,
  timedOut: 5,
} as const;

export type Ending = keyof typeof EXIT;

/** A line for people, and how the program ends. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly ending: Ending;

  constructor(ending: Ending, message: string, options?: ErrorOptions) {
    super(message, options);
    this.ending = ending;
  }
}

/** Words of the daemon, the coordinator and the link that mean something else than what their class does. */
const ENDINGS: Readonly<Record<string, Ending>> = {
  NOT_RUNNING: 'notRunning',
  NOT_CONNECTED: 'notRunning',
  TIMED_OUT: 'timedOut',
  NO_ANSWER: 'timedOut',
  BAD_OPTION: 'usage',
  BAD_INTERFACE_NAME: 'usage',
  BACKUP_INVALID: 'failed',
  KIT_INVALID: 'usage',
  KIT_CONFIRMED: 'failed',
  KIT_OTHER: 'failed',
  NETWORK_UNKNOWN: 'failed',
  LINK_INVALID: 'usage',
  LINK_VERSION_UNSUPPORTED: 'usage',
};

/** What the daemon itself says no with; every other code that it passes on is the coordinator's. */
const DAEMONS_OWN: ReadonlySet<string> = new Set([
  'ADDON_MISSING',
  'ALREADY_A_MEMBER',
  'ALREADY_RUNNING',
  'CRYPTO_UNAVAILABLE',
  'FAULT',
  'INTERFACE_BUSY',
  'NO_TUN_DEVICE',
  'NOT_A_MEMBER',
  'NOT_A_TUN',
  'NOT_FOUND',
  'NOT_PERMITTED',
  'SOCKET_FAILED',
  'STATE_CORRUPT',
  'STATE_FAILED',
  'TUN_FAILED',
  'UNKNOWN_NODE',
]);

/** The packages that errors come from are loaded only when they are needed, so errors are told by their names. */
const EXPECTED: ReadonlySet<string> = new Set([
  'CliError',
  'UsageError',
  'DaemonError',
  'DaemonRefusal',
  'NetmapError',
  'CoordinatorError',
  'StoreError',
]);

/** Whether the message of an error is written for people. */
export function isExpected(error: unknown): error is Error {
  return error instanceof Error && EXPECTED.has(error.name);
}

/** How the program ends with an error. */
export function endingOf(error: unknown): Ending {
  if (error instanceof CliError) return error.ending;
  if (!isExpected(error)) return 'failed';
  if (error.name === 'UsageError') return 'usage';
  const { code = '', status } = error as Error & { code?: string; status?: number };
  const ending = ENDINGS[code];
  if (ending !== undefined) return ending;
  if (error.name === 'DaemonRefusal' && !DAEMONS_OWN.has(code)) return 'refused';
  return error.name === 'CoordinatorError' && status !== undefined && status < 500 ? 'refused' : 'failed';
}
