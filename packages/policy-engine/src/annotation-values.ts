import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { HostError } from '@modelhost/kernel';
import { textBounds } from './bounds.ts';

/** Makes the error about a rule: what is wrong, then what to do. */
export type Fail = (problem: string, remedy: string) => HostError;

/** What the readers of annotations look at. */
export interface AnnotatedPolicy {
  readonly id: string;
  readonly effect: PolicyJson['effect'];
  readonly annotations: ReadonlyMap<string, string>;
}

/** What a list of names in an annotation may hold. */
export interface NameList {
  readonly annotation: string;
  readonly pattern: RegExp;
  /** Of the pattern, in words. */
  readonly words: string;
}

/** The names of an annotation such as `"a, b"`, sorted and each once; undefined when it is not there. */
export function readNames(
  { id, annotations }: AnnotatedPolicy,
  { annotation, pattern, words }: NameList,
  fail: Fail,
): readonly string[] | undefined {
  const text = annotations.get(annotation);
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  if (names.length > textBounds.names) {
    throw fail(
      `rule "${id}" has more than ${textBounds.names} names in @${annotation}`,
      'write several rules',
    );
  }
  if (!names.every((name) => pattern.test(name))) {
    throw fail(
      `rule "${id}" has an empty or unusable name in @${annotation}`,
      `write @${annotation}("one,two") with ${words}`,
    );
  }
  return [...new Set(names)].sort();
}

/** A whole number of an annotation from 1 to `max`; undefined when it is not there. */
export function readCount(
  { id, annotations }: AnnotatedPolicy,
  { annotation, max }: { readonly annotation: string; readonly max: number },
  fail: Fail,
): number | undefined {
  const text = annotations.get(annotation);
  if (text === undefined) return undefined;
  const count = /^[0-9]{1,10}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > max) {
    throw fail(
      `rule "${id}" has a @${annotation} out of bounds`,
      `use a whole number from 1 to ${max}`,
    );
  }
  return count;
}

/** One of the words that the annotation may be; undefined when it is not there. */
export function readWord<Word extends string>(
  { id, annotations }: AnnotatedPolicy,
  { annotation, words }: { readonly annotation: string; readonly words: readonly Word[] },
  fail: Fail,
): Word | undefined {
  const text = annotations.get(annotation);
  if (text === undefined) return undefined;
  const word = words.find((known) => known === text);
  if (word !== undefined) return word;
  throw fail(
    `rule "${id}" has an unknown @${annotation}`,
    `write ${words.map((known) => `@${annotation}("${known}")`).join(' or ')}`,
  );
}
