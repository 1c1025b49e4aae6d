import { CoordinatorError } from '../errors.ts';

const MAX_TAGS = 16;

/**
 * Tags in order, each once; `tag:` before one is left out.
 * @throws CoordinatorError INPUT_INVALID
 */
export function normalizeTags(tags: readonly string[]): string[] {
  const names = tags.map((tag) => tag.replace(/^tag:/, ''));
  const bad = names.find((name) => !/^[a-z][a-z0-9-]{0,31}$/.test(name));
  if (bad !== undefined) {
    const rule = '1 to 32 of a-z, 0-9 and "-", beginning with a letter';
    throw new CoordinatorError('INPUT_INVALID', `tag: expected ${rule}, got ${JSON.stringify(bad.slice(0, 40))}`);
  }
  if (names.length > MAX_TAGS) throw new CoordinatorError('INPUT_INVALID', `tags: expected ${MAX_TAGS} at most`);
  return [...new Set(names)].sort();
}
