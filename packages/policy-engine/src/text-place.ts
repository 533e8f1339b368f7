/** Finds the places of offsets in a text. */
export interface Places {
  /** `line:column` of an offset, both from 1; the column counts UTF-16 units. */
  at(offset: number): string;
}

/** Walks the text once, so that asking for the places of many rules stays cheap. */
export function createPlaces(text: string): Places {
  const starts = [0, ...[...text.matchAll(/\r\n|\r|\n/g)].map((end) => end.index + end[0].length)];
  return {
    at: (offset) => {
      let [line, after] = [0, starts.length];
      // The last line that starts at or before the offset.
      while (after - line > 1) {
        const middle = (line + after) >> 1;
        if ((starts[middle] ?? 0) <= offset) line = middle;
        else after = middle;
      }
      return `${line + 1}:${offset - (starts[line] ?? 0) + 1}`;
    },
  };
}

/** Turns an offset in UTF-8 bytes, as Cedar counts, into one in UTF-16 units. */
export function offsetOfByte(text: string, byteOffset: number): number {
  return Buffer.from(text, 'utf8').subarray(0, byteOffset).toString('utf8').length;
}
