import type { JsonValue } from './jsonc.ts';
import { POLICY_LIMITS } from './limits.ts';
import type { Place, PolicyProblem, PolicyProblemCode } from './problem.ts';

/** A value and the way to it: `rules[0].src`. */
export interface Field {
  readonly name: string;
  readonly value: JsonValue;
}

/** A member of an object whose names are the writer's. */
export interface Entry {
  readonly key: string;
  /** The name itself, for what is wrong with it. */
  readonly keyField: Field;
  readonly field: Field;
}

/** Reads parsed JSON and notes all that is wrong with it. */
export interface Reader {
  readonly problems: PolicyProblem[];
  readonly warnings: PolicyProblem[];
  place(field: Field): Place;
  problem(code: PolicyProblemCode, field: Field, message: string): void;
  warn(code: PolicyProblemCode, field: Field, message: string): void;
  /** Members of an object that has these and no others; empty where it is none. */
  members<Key extends string>(field: Field, known: readonly Key[]): Partial<Record<Key, Field>>;
  /** Empty when the field is missing, or is no object. */
  entries(field: Field | undefined, limit: number): readonly Entry[];
  items(field: Field | undefined, limit: number): readonly Field[];
  text(field: Field): string | undefined;
}

export function createReader(placeOf: (at: number) => Place): Reader {
  const problems: PolicyProblem[] = [];
  const warnings: PolicyProblem[] = [];

  function note(list: PolicyProblem[], code: PolicyProblemCode, field: Field, message: string): void {
    const { value } = field;
    const shown =
      value.kind === 'string' || value.kind === 'number' ? { value: String(value.value).slice(0, 100) } : {};
    if (list.length === POLICY_LIMITS.PROBLEMS) return;
    list.push({ code, message, ...placeOf(value.at), field: field.name, ...shown });
  }

  function problem(code: PolicyProblemCode, field: Field, message: string): void {
    note(problems, code, field, message);
  }

  function tooMany(field: Field, count: number, limit: number): boolean {
    if (count > limit) problem('TOO_MANY', field, `expected ${limit} at most, got ${count}`);
    return count > limit;
  }

  function object(field: Field): readonly Entry[] {
    if (field.value.kind !== 'object') {
      problem('TYPE', field, `expected an object, got ${kindOf(field.value)}`);
      return [];
    }
    const seen = new Set<string>();
    return field.value.members.map(({ key, at, value }) => {
      const name = field.name === '' ? key : `${field.name}.${key}`;
      const keyField: Field = { name, value: { kind: 'string', at, value: key } };
      if (seen.has(key)) problem('KEY_TWICE', keyField, 'stands here for the second time');
      seen.add(key);
      return { key, keyField, field: { name, value } };
    });
  }

  return {
    problems,
    warnings,
    place: (field) => placeOf(field.value.at),
    problem,
    warn: (code, field, message) => note(warnings, code, field, message),
    members(field, known) {
      const found: Partial<Record<string, Field>> = {};
      for (const entry of object(field)) {
        if ((known as readonly string[]).includes(entry.key)) found[entry.key] = entry.field;
        else problem('KEY_UNKNOWN', entry.keyField, `unknown here; there are ${known.join(', ')}`);
      }
      return found as never;
    },
    entries(field, limit) {
      if (field === undefined) return [];
      const found = object(field);
      return tooMany(field, found.length, limit) ? [] : found;
    },
    items(field, limit) {
      if (field === undefined) return [];
      const { name, value } = field;
      if (value.kind !== 'array') {
        problem('TYPE', field, `expected a list, got ${kindOf(value)}`);
        return [];
      }
      if (tooMany(field, value.items.length, limit)) return [];
      return value.items.map((item, i) => ({ name: `${name}[${i}]`, value: item }));
    },
    text(field) {
      if (field.value.kind === 'string') return field.value.value;
      problem('TYPE', field, `expected a text in quotes, got ${kindOf(field.value)}`);
      return undefined;
    },
  };
}

function kindOf(value: JsonValue): string {
  if (value.kind === 'null') return 'null';
  return value.kind === 'array' ? 'a list' : value.kind === 'object' ? 'an object' : `a ${value.kind}`;
}
