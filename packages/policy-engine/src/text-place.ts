/** `line:column` of an offset in a text, both from 1; the column counts UTF-16 units. */
export function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return `${before.length}:${(before.at(-1) ?? '').length + 1}`;
}

/** Turns an offset in UTF-8 bytes, as Cedar counts, into one in UTF-16 units. */
export function offsetOfByte(text: string, byteOffset: number): number {
  return Buffer.from(text, 'utf8').subarray(0, byteOffset).toString('utf8').length;
}
