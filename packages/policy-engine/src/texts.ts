/**
 * Whether all of them are strings that Cedar can read. Questions are not checked against a schema when they are asked, so
 * whatever becomes a part of one is checked where it is read.
 */
export function areTexts(values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === 'string' && value.isWellFormed());
}

/** Said of a request that has other things where a text belongs. It quotes none. */
export const noText = 'a name or an id in the request is no valid Unicode text';
