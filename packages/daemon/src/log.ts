/** Values a log line may carry. No key material at any level; addresses at `debug` only. */
export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Where log events go: a constant event string with fields. A pino logger is one. */
export interface Logger {
  debug(fields: LogFields, event: string): void;
  info(fields: LogFields, event: string): void;
  warn(fields: LogFields, event: string): void;
  error(fields: LogFields, event: string): void;
}

/** `verbose`, `error` or `silent`, as wireguard-go's LOG_LEVEL has them, and `info` between. */
export type LogLevel = 'verbose' | 'info' | 'error' | 'silent';

const RANKS: Readonly<Record<string, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const THRESHOLDS: Readonly<Record<LogLevel, number>> = { verbose: 0, info: 1, error: 2, silent: 4 };

/**
 * The value of LOG_LEVEL; `debug` is another word for `verbose`.
 * @returns undefined when it is none of the words
 */
export function parseLogLevel(text: string): LogLevel | undefined {
  if (text === 'debug') return 'verbose';
  return Object.hasOwn(THRESHOLDS, text) ? (text as LogLevel) : undefined;
}

/**
 * A logger of one plain line an event: `level: (name) event field=value`. It loads in no time, which a
 * program that must be up in a tenth of a second needs.
 * @param write takes a whole line, newline included
 */
export function createLineLogger(name: string, level: LogLevel, write: (line: string) => void): Logger {
  const threshold = THRESHOLDS[level];
  const at =
    (label: string) =>
    (fields: LogFields, event: string): void => {
      if (RANKS[label]! < threshold) return;
      let line = `${label}: (${name}) ${event}`;
      for (const [key, value] of Object.entries(fields)) {
        if (value !== undefined) line += ` ${key}=${typeof value === 'string' ? quote(value) : String(value)}`;
      }
      write(`${line}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A logger that says nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

function quote(value: string): string {
  return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
}
