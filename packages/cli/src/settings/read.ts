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

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Settings from flags, then `PCLOUD_*`, then the configuration file.
 * @throws CliError usage, naming where the value stands
 */
export async function readSettings(flags: Flags, environment: Environment): Promise<Settings> {
  const { path, config } = configOf(flags, environment);
  const file = await readConfigFile(path, config !== undefined);
  const entries = Object.entries(SETTINGS).map(([key, setting]) => {
    const found = findSetting(setting as Setting<unknown>, flags[key], { environment, file, path });
    return [key, found && parseSetting(setting as Setting<unknown>, found)];
  });
  return withDefaults(Object.fromEntries(entries) as GivenSettings, config);
}

/** Where the configuration file is, and where it was named to be, if it was. */
export function configOf(flags: Flags, environment: Environment): { path: string; config: string | undefined } {
  const named = (typeof flags.config === 'string' ? flags.config : undefined) ?? environment.PCLOUD_CONFIG;
  const config = named ? resolve(named) : undefined;
  return { path: config ?? CONFIG_PATH, config };
}

/** @param config the file that was named, if one was */
export function withDefaults(given: GivenSettings, config: string | undefined): Settings {
  return {
    ...given,
    stateDir: given.stateDir ?? '/var/lib/pcloud',
    runtimeDir: given.runtimeDir ?? '/run/pcloud',
    tun: given.tun ?? 'pcloud0',
    name: given.name ?? hostname(),
    config,
  };
}

export interface Places {
  readonly environment: Environment;
  readonly file: ConfigFile;
  /** The file's. */
  readonly path: string;
}

/** A setting as it was written, and where. */
export interface FoundSetting {
  readonly texts: readonly string[];
  /** `--port`, `PCLOUD_PORT`, or file and key. */
  readonly where: string;
}

/** The first place that has a setting. An empty variable is none. */
export function findSetting(
  setting: Setting<unknown>,
  flag: Flags[string],
  { environment, file, path }: Places,
): FoundSetting | undefined {
  if (flag !== undefined) return { texts: [flag].flat().map(String), where: `--${setting.name}` };
  const variable = variableOf(setting.name);
  const text = environment[variable];
  if (text) {
    return { texts: setting.isList ? text.split(',').map((each) => each.trim()) : [text], where: variable };
  }
  const texts = file.get(setting.name);
  return texts && { texts, where: `"${path}", ${setting.name}` };
}

export function variableOf(name: string): string {
  return `PCLOUD_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** @throws CliError usage, naming where the value stands */
export function parseSetting(setting: Setting<unknown>, { texts, where }: FoundSetting): unknown {
  try {
    return setting.parse(texts);
  } catch (error) {
    throw new CliError('usage', `${where}: ${(error as Error).message}`);
  }
}
