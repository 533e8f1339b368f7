/** Cuts a stream of bytes into lines. */
export interface LineSplitter {
  /** Gives each line that is complete to `onLine`, without its line break. False once a line is too long: it takes no more. */
  push(chunk: Buffer): boolean;
}

const lineFeed = 0x0a;

/** A splitter that holds at most one line of `lineBytesMax` bytes. */
export function createLineSplitter(
  lineBytesMax: number,
  onLine: (line: string) => void,
): LineSplitter {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let isBroken = false;

  function hold(part: Buffer): boolean {
    heldBytes += part.length;
    isBroken = heldBytes > lineBytesMax;
    if (isBroken) held = [];
    else held.push(part);
    return !isBroken;
  }

  function push(chunk: Buffer): boolean {
    let from = 0;
    while (!isBroken) {
      const end = chunk.indexOf(lineFeed, from);
      if (end < 0) return hold(chunk.subarray(from));
      if (!hold(chunk.subarray(from, end))) return false;
      const line = Buffer.concat(held).toString('utf8').replace(/\r$/, '');
      held = [];
      heldBytes = 0;
      from = end + 1;
      onLine(line);
    }
    return false;
  }

  return { push };
}
