// Control characters could move the cursor or hide what a person is asked to approve; format characters could show
// arguments in another order than they have, or not at all. Line feed and tab are left alone.
const unsafe = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text from models and tools as it may go to a terminal: what could act on it is shown as `\u{…}`. */
export function toPrintable(text: string): string {
  return text.replaceAll(unsafe, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** One line of at most `lengthMax` characters; white space is folded, and what is cut is marked by an ellipsis. */
export function toLine(text: string, lengthMax: number): string {
  // Bounded before it is folded: a result may have megabytes.
  const start = text.slice(0, lengthMax * 4);
  const line = toPrintable(start.replaceAll(/\s+/g, ' ').trim());
  if (line.length <= lengthMax && start.length === text.length) return line;
  // Half a surrogate pair would show as a replacement mark.
  return `${line.slice(0, lengthMax - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
