const passesMax = 8;

/**
 * Repeats a change until it changes nothing more, since what it removes may have stood between the halves of another one.
 * A text that is made to go on for long loses all of the characters that `last` takes.
 */
export function untilStable(text: string, change: (text: string) => string, last: RegExp): string {
  let before = text;
  for (let pass = 0; pass < passesMax; pass += 1) {
    const after = change(before);
    if (after === before) return after;
    before = after;
  }
  return change(before.replaceAll(last, ' '));
}
