import { readFileSync } from 'node:fs';
import { CliError } from '../exit.ts';
import { SETTINGS } from './table.ts';

export const CONFIG_PATH = '/etc/pcloud/config.yaml';

/** Values as text, by setting's name. */
export type ConfigFile = ReadonlyMap<string, readonly string[]>;

/**
 * Reads a configuration file: YAML, a setting a line, lists for what may be given more than once.
 * @param isNeeded false: a file that is not there is an empty one
 * @throws CliError usage, naming the file and the key
 */
export async function readConfigFile(path: string, isNeeded: boolean): Promise<ConfigFile> {
  return valuesOf(await inspectConfigFile(path, isNeeded));
}

/** @throws CliError usage */
export async function parseConfig(text: string, path: string): Promise<ConfigFile> {
  return valuesOf(await inspectConfig(text, path));
}

/** What of a file can be used, and all that is wrong with the rest. */
export interface InspectedConfig {
  readonly values: ConfigFile;
  /** Lines for people, each naming the file. */
  readonly problems: readonly string[];
}

function valuesOf({ values, problems }: InspectedConfig): ConfigFile {
  if (problems.length > 0) throw new CliError('usage', problems[0]!);
  return values;
}

/** As `readConfigFile`, with all problems in place of the first. */
export async function inspectConfigFile(path: string, isNeeded: boolean): Promise<InspectedConfig> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !isNeeded) return nothingOf();
    return nothingOf(`"${path}": cannot be read (${code}); name another file with --config`);
  }
  return inspectConfig(text, path);
}

async function inspectConfig(text: string, path: string): Promise<InspectedConfig> {
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text, { schema: 'core', logLevel: 'error' });
  } catch (error) {
    return nothingOf(`"${path}": ${(error as Error).message.split('\n')[0]!.replace(/:$/, '')}`);
  }
  if (value === null || value === undefined) return nothingOf();
  if (typeof value !== 'object' || Array.isArray(value)) {
    return nothingOf(`"${path}": expected lines such as "port: 51820"`);
  }
  const known = new Map(Object.values(SETTINGS).map((setting) => [setting.name, setting]));
  const found = new Map<string, readonly string[]>();
  const problems: string[] = [];
  for (const [key, held] of Object.entries(value)) {
    const setting = known.get(key);
    const values: unknown[] = Array.isArray(held) ? held : [held];
    if (setting === undefined) {
      problems.push(`"${path}": there is no setting "${key}"; they are ${[...known.keys()].join(', ')}`);
    } else if (!values.every(isScalar) || (Array.isArray(held) && !setting.isList)) {
      problems.push(`"${path}", ${key}: expected ${setting.isList ? 'values' : 'one value'}`);
    } else {
      found.set(key, values.map(String));
    }
  }
  return { values: found, problems };
}

function nothingOf(...problems: readonly string[]): InspectedConfig {
  return { values: new Map(), problems };
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
