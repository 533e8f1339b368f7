/** The beginning of a text that has at most so many bytes, without half a character at its end; all of it without a bound. */
export function cutText(text: string, bytesMax: number | undefined): string {
  if (bytesMax === undefined || Buffer.byteLength(text) <= bytesMax) return text;
  const bytes = Buffer.from(text);
  let end = bytesMax;
  // A byte that goes on with a character begins with the bits 10.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
