/** All settings with where each comes from, and all that is wrong with them: nothing is changed, and nothing started. */
import { inspectConfigFile } from './config-file.ts';
import {
  configOf,
  type Environment,
  type Flags,
  findSetting,
  parseSetting,
  type Settings,
  variableOf,
  withDefaults,
} from './read.ts';
import { type GivenSettings, SETTINGS, type Setting } from './table.ts';

export interface InspectedSetting {
  readonly name: string;
  /** As it was written, or the default in words; null where there is neither. */
  readonly value: string | readonly string[] | null;
  /** A flag, a variable, or file and key; `default`. */
  readonly from: string;
}

export interface InspectedSettings {
  readonly rows: readonly InspectedSetting[];
  readonly problems: readonly string[];
  /** What is of no effect, and may be a slip. */
  readonly warnings: readonly string[];
  /** With what is wrong left out. */
  readonly settings: Settings;
}

/** Variables that are no settings. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(['PCLOUD_CONFIG', 'PCLOUD_READY_FD', 'PCLOUD_TRACE']);

export async function inspectSettings(flags: Flags, environment: Environment): Promise<InspectedSettings> {
  const { path, config } = configOf(flags, environment);
  const file = await inspectConfigFile(path, config !== undefined);
  const problems = [...file.problems];
  const given: Record<string, unknown> = {};
  const rows: InspectedSetting[] = [];
  for (const [key, each] of Object.entries(SETTINGS)) {
    const setting = each as Setting<unknown>;
    const found = findSetting(setting, flags[key], { environment, file: file.values, path });
    if (found === undefined) {
      rows.push({ name: setting.name, value: defaultOf(setting), from: 'default' });
      continue;
    }
    const { texts, where } = found;
    rows.push({ name: setting.name, value: setting.isList ? texts : texts.at(-1)!, from: where });
    try {
      given[key] = parseSetting(setting, found);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  const settings = withDefaults(given as unknown as GivenSettings, config);
  return { rows, problems, warnings: strangersOf(environment), settings };
}

/** What its help says. */
function defaultOf({ help, argument }: Setting<unknown>): string | null {
  return /\(default: (.*)\)$/.exec(help)?.[1] ?? (argument === undefined ? 'false' : null);
}

function strangersOf(environment: Environment): string[] {
  const known = new Set(Object.values(SETTINGS).map(({ name }) => variableOf(name)));
  return Object.keys(environment)
    .filter((name) => name.startsWith('PCLOUD_') && !known.has(name) && !OTHER_VARIABLES.has(name))
    .filter((name) => !name.startsWith('PCLOUD_TEST_'))
    .sort()
    .map((name) => `${name}: there is no such setting; it has no effect`);
}
