/** A text as UTF-8, cut before the character that would go beyond `bytesMax`. Lone surrogates become U+FFFD. */
export function cutText(
  text: string,
  bytesMax: number,
): { readonly text: string; readonly bytes: number; readonly bytesTotal: number } {
  const whole = text.toWellFormed();
  const bytesTotal = Buffer.byteLength(whole);
  if (bytesTotal <= bytesMax) return { text: whole, bytes: bytesTotal, bytesTotal };
  const encoded = Buffer.from(whole);
  const end = startOfCharacter(encoded, bytesMax);
  return { text: encoded.toString('utf8', 0, end), bytes: end, bytesTotal };
}

/** The last place at or before `offset` where a character begins. */
export function startOfCharacter(encoded: Uint8Array, offset: number): number {
  let start = Math.min(Math.max(0, offset), encoded.length);
  // A byte that begins with the bits 10 goes on with a character.
  while (start > 0 && ((encoded[start] ?? 0) & 0b1100_0000) === 0b1000_0000) start -= 1;
  return start;
}
