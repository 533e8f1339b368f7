/** Something that is wrong with a test, at a path within its file. */
export interface TestProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A map that somebody wrote, and where. */
export interface Section {
  readonly value: Readonly<Record<string, unknown>>;
  readonly path: readonly (string | number)[];
  readonly problems: TestProblem[];
}

/** What a value may be, in words and as a check. */
export interface Kind<Value> {
  readonly is: (value: unknown) => value is Value;
  readonly what: string;
}

const textLengthMax = 65_536;
const itemsMax = 256;

/** A text that is not empty. */
export const aText: Kind<string> = {
  is: (value): value is string =>
    typeof value === 'string' && value !== '' && value.length <= textLengthMax,
  what: 'a text',
};
/** A whole number of at least 0. */
export const aCount: Kind<number> = {
  is: (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0,
  what: 'a whole number of at least 0',
};
export const aFlag: Kind<boolean> = {
  is: (value) => typeof value === 'boolean',
  what: 'true or false',
};
export const texts: Kind<readonly string[]> = {
  is: (value): value is readonly string[] =>
    Array.isArray(value) && value.length <= itemsMax && value.every(aText.is),
  what: 'a list of texts',
};
export const aList: Kind<readonly unknown[]> = {
  is: (value): value is readonly unknown[] => Array.isArray(value) && value.length <= itemsMax,
  what: `a list of at most ${itemsMax}`,
};
export const aMap: Kind<Readonly<Record<string, unknown>>> = {
  is: (value): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value),
  what: 'a map',
};

/** One of these words. */
export function oneOf<Word extends string>(...words: readonly Word[]): Kind<Word> {
  return {
    is: (value): value is Word => words.some((word) => word === value),
    what: `one of ${words.join(', ')}`,
  };
}

/** A moment such as `2026-03-01T12:00:00Z`. */
export const aMoment: Kind<string> = {
  is: (value): value is string =>
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) &&
    Number.isFinite(Date.parse(value)),
  what: 'a moment such as 2026-03-01T12:00:00Z',
};

/** The member, or the fallback where it is left out; what is of another kind is a problem, and the fallback. */
export function take<Value, Fallback>(
  { value, path, problems }: Section,
  key: string,
  kind: Kind<Value>,
  fallback: Fallback,
): Value | Fallback {
  const member = value[key];
  if (member === undefined) return fallback;
  if (kind.is(member)) return member;
  problems.push({ path: [...path, key], message: `must be ${kind.what}` });
  return fallback;
}

/** Names, in their order; none where they are left out. */
export function takeNames(section: Section, key: string): readonly string[] {
  return take(section, key, texts, none).toSorted();
}
const none: readonly string[] = [];

/** A map within; empty where it is left out. A key that is not among `keys` is a problem. */
export function takeSection(above: Section, key: string, keys: readonly string[]): Section {
  const value = take(above, key, aMap, {});
  const section = { value, path: [...above.path, key], problems: above.problems };
  refuseOthers(section, keys);
  return section;
}

/** Keys that nobody reads would look as if they counted. */
export function refuseOthers({ value, path, problems }: Section, keys: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (keys.includes(key)) continue;
    problems.push({ path: [...path, key], message: `unknown key; there is ${keys.join(', ')}` });
  }
}
