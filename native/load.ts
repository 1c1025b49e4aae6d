import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ENDPOINT } from '@pcloud/ip';
import { DATAGRAM, FRAME, LAYOUT, REGIONS, SLAB_BYTES } from '@pcloud/wireguard';
import type { Addon, AddonLayout } from './addon.ts';

/** The addon, or why there is none, in words for a log. */
export type LoadResult = { readonly addon: Addon } | { readonly reason: string };

/** Where a build leaves the addon; undefined in a bundle, which has no place of its own. */
function builtPath(): string | undefined {
  const url: string | undefined = import.meta.url;
  return url === undefined ? undefined : fileURLToPath(new URL('./build/Release/pcloud_native.node', url));
}

/**
 * The first difference of two layouts, as a sentence, or undefined.
 * @param layout what an addon says of itself
 */
export function findLayoutDifference(layout: AddonLayout | undefined): string | undefined {
  if (layout === undefined) return 'it has no layout';
  const groups = { LAYOUT, FRAME, DATAGRAM, ENDPOINT, REGIONS };
  for (const [group, wanted] of Object.entries(groups)) {
    const found = layout[group as keyof typeof groups] ?? {};
    for (const name of new Set([...Object.keys(wanted), ...Object.keys(found)])) {
      const want = (wanted as Readonly<Record<string, number>>)[name];
      if (found[name] !== want) return `${group}.${name} is ${found[name]}, expected ${want}`;
    }
  }
  return layout.SLAB_BYTES === SLAB_BYTES ? undefined : `SLAB_BYTES is ${layout.SLAB_BYTES}, expected ${SLAB_BYTES}`;
}

/**
 * Loads the addon. Never throws: without it, the same work is done in TypeScript.
 * @param path the addon; by default what PCLOUD_NATIVE names, then where the build leaves it. A bundle passes its own.
 */
export function loadNative(path: string | undefined = undefined): LoadResult {
  const file = path ?? (process.env.PCLOUD_NATIVE || builtPath());
  if (process.platform !== 'linux') return { reason: `the addon is for Linux, this is ${process.platform}` };
  if (file === undefined || !existsSync(file)) return { reason: `no addon at ${file ?? 'any place known here'}` };
  const module: { exports: Partial<Addon> } = { exports: {} };
  try {
    process.dlopen(module, file);
  } catch (error) {
    return { reason: `the addon does not load: ${error instanceof Error ? error.message : String(error)}` };
  }
  const difference = findLayoutDifference(module.exports.layout);
  if (difference !== undefined)
    return { reason: `the addon at ${file} is of another version (${difference}): build it again` };
  return { addon: module.exports as Addon };
}
