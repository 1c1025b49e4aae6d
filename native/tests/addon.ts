import { ADDON_PATH } from '../build.ts';
import { type Addon, loadNative, type Plane, type PlaneOptions } from '../index.ts';

/** Where the addon under test is. */
export const addonPath: string = process.env.PCLOUD_NATIVE || ADDON_PATH;

/** The addon under test. Without one every test here fails: a build is missing. */
export const addon: Addon = load();

function load(): Addon {
  const result = loadNative(addonPath);
  if ('reason' in result) throw new Error(result.reason);
  return result.addon;
}

/** Runs with as many planes as it takes arguments, and closes them however it ends. */
export async function withPlanes(use: (...planes: Plane[]) => unknown, options: PlaneOptions = {}): Promise<void> {
  const planes = Array.from({ length: use.length }, () => addon.createPlane(options));
  try {
    await use(...planes);
  } finally {
    for (const plane of planes) plane.close();
  }
}

/** The `code` of what a call throws, or undefined when it does not throw. */
export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
