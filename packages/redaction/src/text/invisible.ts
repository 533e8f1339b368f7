/** Shows nothing, so it breaks nothing: zero-width and control characters, those of private use, and blanks that are no space. */
const invisible = /^[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\p{Co}\u2028\u2029\u2800]$/u;
const controlSpace = /^[\t\n\v\f\r]$/;

/** Whether a reader does not see the character, and sees no gap in its place. */
export function isInvisible(character: string): boolean {
  return invisible.test(character) && !controlSpace.test(character);
}

/** Begins a sequence that tells a terminal a colour or a place; the second one has its bracket in it. */
export const escapeUnits = { escape: 0x1b, introducer: 0x9b } as const;

const sequence = new RegExp(
  `(?:${String.fromCharCode(escapeUnits.escape)}\\[|${String.fromCharCode(escapeUnits.introducer)})[0-?]{0,30}[@-~]`,
  'y',
);

/** How long the sequence of a terminal is that begins here; 0 if none does. */
export function sequenceLength(text: string, at: number): number {
  sequence.lastIndex = at;
  return sequence.exec(text)?.[0].length ?? 0;
}

/** Whether some of the text may be such a sequence. */
export function hasSequence(text: string): boolean {
  return (
    text.includes(String.fromCharCode(escapeUnits.escape)) ||
    text.includes(String.fromCharCode(escapeUnits.introducer))
  );
}
