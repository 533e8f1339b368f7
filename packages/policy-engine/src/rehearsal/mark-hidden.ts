import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';

/** Each costs time whenever rules are asked again. */
export const pathsMax = 256;

/** What stands in the place of a value: a keyed hash of it, or what may be seen of it; and the type that it had. */
export type Mark = { readonly $type: string } & (
  | { readonly $hash: string }
  | { readonly $hidden: Json }
);

/** Values before and after something was hidden in them. */
export interface Hiding {
  readonly before: JsonObject;
  /** Of the same form, but for names and for what was a number. */
  readonly after: Json;
  readonly hash: (text: string) => string;
}

/** Values with marks in them. */
export interface MarkedValues {
  readonly values: JsonObject;
  /** The way to each mark by names, such as `items.note`; places in lists are no part of it. */
  readonly paths: readonly string[];
}

/**
 * The values with a mark wherever `before` and `after` differ. An object of which a name was hidden becomes a hash as a whole; undefined
 * when that is all of them, or there would be too many. What is a mark already stays one, if nothing was hidden in what stands for it.
 */
export function markHidden(values: JsonObject, hiding: Hiding): MarkedValues | undefined {
  const { before, after, hash } = hiding;
  if (!isJsonObject(after) || !hasNamesOf(before, after)) return undefined;
  const paths = new Set<string>();

  function markIn(path: string, at: Json, from: Json, to: Json): Json {
    if (from === to) return at;
    if (Array.isArray(from) && Array.isArray(to)) {
      return Array.isArray(at)
        ? at.map((item: Json, index) => markIn(path, item, itemOf(from, index), itemOf(to, index)))
        : at;
    }
    if (isJsonObject(from) && isJsonObject(to)) {
      if (hasNamesOf(from, to)) return isJsonObject(at) ? markMembers(path, at, from, to) : at;
      paths.add(path);
      return markOf(from, { $hash: hash(JSON.stringify(at)) });
    }
    paths.add(path);
    return markOf(from, { $hidden: to });
  }

  function markMembers(path: string, at: JsonObject, from: JsonObject, to: JsonObject): JsonObject {
    return Object.fromEntries(
      Object.entries(at).map(([name, member]) => {
        const way = path === '' ? name : `${path}.${name}`;
        return [name, markIn(way, member, from[name] ?? null, to[name] ?? null)];
      }),
    );
  }

  const marked = markMembers('', values, before, after);
  return paths.size > pathsMax ? undefined : { values: marked, paths: [...paths] };
}

/** The mark of a value, which keeps its type. */
export function markOf(
  value: Json,
  shown: { readonly $hash: string } | { readonly $hidden: Json },
): Mark {
  return { ...shown, $type: typeNameOf(value) };
}

/** Something of the right type for each mark in the value, and the rest of it as it is. */
export function fillMarks(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => fillMarks(item));
  if (!isJsonObject(value) || !('$hash' in value || '$hidden' in value)) return value;
  return fillings.get(value['$type']) ?? null;
}

const fillings: ReadonlyMap<unknown, Json> = new Map<unknown, Json>([
  ['string', ''],
  ['number', 0],
  ['boolean', false],
  ['array', []],
  ['object', {}],
]);

/** Of lists that have as many items: hiding leaves out none. */
function itemOf(items: readonly Json[], index: number): Json {
  return items[index] ?? null;
}

function hasNamesOf(one: JsonObject, other: JsonObject): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name))
  );
}

function typeNameOf(value: Json): string {
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value;
}
