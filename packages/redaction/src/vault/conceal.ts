import { writingsOf } from './writings.ts';

/** A value that went out, and what stands for it. */
export interface OutValue {
  readonly placeholder: string;
  readonly value: string;
}

/** Gives what puts the placeholders back, wherever one of the values stands in a text, in whatever case or writing. */
export function createConceal(values: readonly OutValue[]): (text: string) => string {
  if (values.length === 0) return (text) => text;
  // The longest first: one may be the beginning of another.
  const known = values.toSorted((one, other) => other.value.length - one.value.length);
  const pattern = new RegExp(known.map(({ value }) => `(${writingsOf(value)})`).join('|'), 'gi');
  return (text) =>
    text.replaceAll(pattern, (found: string, ...groups: readonly unknown[]) => {
      const at = groups.findIndex((group) => typeof group === 'string');
      return known[at]?.placeholder ?? found;
    });
}
