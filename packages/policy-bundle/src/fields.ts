import { isJsonObject, type Json } from '@modelhost/kernel';
import { readTime } from './times.ts';

/** Says what is wrong with a field, beginning with its place; undefined when nothing is. */
export type FieldRule = (value: Json, place: string) => string | undefined;

/** Names of bundles. */
export const namePattern: RegExp = /^[a-z][a-z0-9-]{0,63}$/;
/** Tenants as they can be named in bundles and keys: nothing that means something in a scope or in a path. */
const tenantPattern = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/;

/** The first field that is wrong, missing or not known, with its place and what it must be. */
export function findWrongField(
  value: Json,
  rules: Readonly<Record<string, FieldRule>>,
  place: string,
): string | undefined {
  if (!isJsonObject(value)) return `${place || 'payload'}: must be an object`;
  const at = place === '' ? '' : `${place}.`;
  for (const [name, rule] of Object.entries(rules)) {
    const field = Object.hasOwn(value, name) ? value[name] : undefined;
    if (field === undefined) return `${at}${name}: is missing`;
    const problem = rule(field, `${at}${name}`);
    if (problem !== undefined) return problem;
  }
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(rules, name));
  if (unknown === undefined) return undefined;
  // A name is shown only when it can be one of a field: it was written by somebody else.
  const shown = /^[A-Za-z_]{1,40}$/.test(unknown) ? unknown : 'a field with an odd name';
  return `${at}${shown}: is not known in this format version`;
}

/** Whether a text can name a tenant. */
export function isTenant(value: Json | undefined): value is string {
  return typeof value === 'string' && tenantPattern.test(value);
}

/** What passes the question; the rest is told what it must be. */
export function ruleOf(isRight: (value: Json) => boolean, expected: string): FieldRule {
  return (value, place) => (isRight(value) ? undefined : `${place}: must be ${expected}`);
}

/** A text of this form. */
export function textOf(pattern: RegExp, expected: string): FieldRule {
  return ruleOf((value) => typeof value === 'string' && pattern.test(value), expected);
}

/** A whole number between the bounds. */
export function numberOf(min: number, max: number): FieldRule {
  return ruleOf(
    (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max,
    `a whole number from ${min} to ${max}`,
  );
}

/** A list of distinct items, each of which passes. */
export function listOf(isItem: (item: Json) => boolean, max: number, expected: string): FieldRule {
  return ruleOf(
    (value) =>
      Array.isArray(value) &&
      value.length <= max &&
      new Set(value).size === value.length &&
      value.every(isItem),
    `a list of at most ${max} distinct ${expected}`,
  );
}

/** A time in the one form. */
export const time: FieldRule = ruleOf(
  (value) => typeof value === 'string' && readTime(value) !== undefined,
  'a time in UTC with seconds, such as 2027-01-31T00:00:00Z',
);
