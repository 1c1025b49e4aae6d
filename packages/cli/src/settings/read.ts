import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { CliError } from '../exit.ts';
import { CONFIG_PATH, type ConfigFile, readConfigFile } from './config-file.ts';
import { type GivenSettings, SETTINGS, type Setting } from './table.ts';

/** What was given, with what is taken otherwise. */
export interface Settings extends GivenSettings {
  readonly stateDir: string;
  readonly runtimeDir: string;
  readonly tun: string;
  readonly name: string;
  /** The configuration file, where one was named. */
  readonly config: string | undefined;
}

/** Values of flags as the command line has them, by `SettingKey`, and `config`. */
export type Flags = Readonly<Record<string, string | readonly string[] | boolean | undefined>>;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Settings from flags, then `PCLOUD_*`, then the configuration file.
 * @throws CliError usage, naming where the value stands
 */
export async function readSettings(flags: Flags, environment: Environment): Promise<Settings> {
  const named = (typeof flags.config === 'string' ? flags.config : undefined) ?? environment.PCLOUD_CONFIG;
  const config = named ? resolve(named) : undefined;
  const path = config ?? CONFIG_PATH;
  const file = await readConfigFile(path, config !== undefined);
  const entries = Object.entries(SETTINGS).map(([key, setting]) => [
    key,
    readSetting(setting as Setting<unknown>, flags[key], environment, file, path),
  ]);
  const given = Object.fromEntries(entries) as GivenSettings;
  return {
    ...given,
    stateDir: given.stateDir ?? '/var/lib/pcloud',
    runtimeDir: given.runtimeDir ?? '/run/pcloud',
    tun: given.tun ?? 'pcloud0',
    name: given.name ?? hostname(),
    config,
  };
}

/** Undefined when it is set nowhere. An empty variable is none. */
function readSetting(
  setting: Setting<unknown>,
  flag: Flags[string],
  environment: Environment,
  file: ConfigFile,
  path: string,
): unknown {
  if (flag !== undefined) return parse(setting, [flag].flat().map(String), `--${setting.name}`);
  const variable = `PCLOUD_${setting.name.toUpperCase().replaceAll('-', '_')}`;
  const text = environment[variable];
  if (text) return parse(setting, setting.isList ? text.split(',').map((each) => each.trim()) : [text], variable);
  const texts = file.get(setting.name);
  return texts && parse(setting, texts, `"${path}", ${setting.name}`);
}

function parse(setting: Setting<unknown>, texts: readonly string[], where: string): unknown {
  try {
    return setting.parse(texts);
  } catch (error) {
    throw new CliError('usage', `${where}: ${(error as Error).message}`);
  }
}
