/** Levels of objects and arrays within each other. */
const MAX_DEPTH = 32;

/**
 * Whether parsed JSON may be handed on: not nested deeper than code that walks it may recurse, and no member
 * named like one that every object inherits (`__proto__`, `constructor`), which a careless copy would follow.
 */
export function isPlainJson(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.every((item) => isPlainJson(item, depth + 1));
  return Object.keys(value).every(
    (key) =>
      !(key in Object.prototype) &&
      key !== 'prototype' &&
      isPlainJson((value as Record<string, unknown>)[key], depth + 1),
  );
}
