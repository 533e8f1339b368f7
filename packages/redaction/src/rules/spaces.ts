/** One for each unit that is white space to an expression. */
const isSpace = new Uint8Array(0x1_0000);
for (const space of '\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff') {
  isSpace[space.charCodeAt(0)] = 1;
}
isSpace.fill(1, 0x2000, 0x200b);

/** Where the token ends that goes on at this place. */
export function tokenEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace[text.charCodeAt(at)] === 0) at += 1;
  return at;
}

/** Where the line ends that goes on at this place. */
export function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  return at < 0 ? text.length : at;
}

/** Whether so many units in a row are no white space. */
export function hasRun(
  text: string,
  { from, end }: { readonly from: number; readonly end: number },
  size: number,
): boolean {
  let start = from;
  for (let at = start + size - 1; at < end; at = start + size - 1) {
    // From its end, since most rows are too short and need not be read as a whole.
    let back = at;
    while (back >= start && isSpace[text.charCodeAt(back)] === 0) back -= 1;
    if (back < start) return true;
    start = back + 1;
  }
  return false;
}
