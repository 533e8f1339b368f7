/** Cuts a stream of bytes into lines; each goes out as its bytes, without the line break. */
export interface LineReader {
  readonly push: (chunk: Buffer) => void;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Holds one line of `lineBytesMax` bytes at most. After a longer one it takes nothing more. Empty lines are skipped. */
export function createLineReader(options: {
  readonly lineBytesMax: number;
  readonly onLine: (line: Buffer) => void;
  readonly onTooLong: () => void;
}): LineReader {
  const { lineBytesMax, onLine, onTooLong } = options;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let isEnded = false;

  function hold(part: Buffer): void {
    held.push(part);
    heldBytes += part.length;
    if (heldBytes <= lineBytesMax) return;
    isEnded = true;
    held = [];
    onTooLong();
  }

  function giveOut(): void {
    const line = Buffer.concat(held);
    held = [];
    heldBytes = 0;
    const end = line.at(-1) === carriageReturn ? line.length - 1 : line.length;
    if (end > 0) onLine(line.subarray(0, end));
  }

  function push(chunk: Buffer): void {
    let from = 0;
    while (!isEnded) {
      const end = chunk.indexOf(lineFeed, from);
      hold(chunk.subarray(from, end < 0 ? chunk.length : end));
      if (isEnded || end < 0) return;
      from = end + 1;
      giveOut();
    }
  }

  return { push };
}
