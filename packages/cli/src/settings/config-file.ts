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
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !isNeeded) return new Map();
    throw new CliError('usage', `"${path}": cannot be read (${code}); name another file with --config`);
  }
  return parseConfig(text, path);
}

/** @throws CliError usage */
export async function parseConfig(text: string, path: string): Promise<ConfigFile> {
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text, { schema: 'core', logLevel: 'error' });
  } catch (error) {
    throw new CliError('usage', `"${path}": ${(error as Error).message.split('\n')[0]!.replace(/:$/, '')}`);
  }
  if (value === null || value === undefined) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new CliError('usage', `"${path}": expected lines such as "port: 51820"`);
  }
  const known = new Map(Object.values(SETTINGS).map((setting) => [setting.name, setting]));
  const found = new Map<string, readonly string[]>();
  for (const [key, held] of Object.entries(value)) {
    const setting = known.get(key);
    if (setting === undefined) {
      throw new CliError('usage', `"${path}": there is no setting "${key}"; they are ${[...known.keys()].join(', ')}`);
    }
    const values: unknown[] = Array.isArray(held) ? held : [held];
    if (!values.every(isScalar) || (Array.isArray(held) && !setting.isList)) {
      throw new CliError('usage', `"${path}", ${key}: expected ${setting.isList ? 'values' : 'one value'}`);
    }
    found.set(key, values.map(String));
  }
  return found;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
