/** Cuts a stream of bytes into lines. */
export interface LineSplitter {
  /** False once a line is too long to be dropped, or its owner would not go on without it: it takes no more. */
  push(chunk: Buffer): boolean;
}

/** What a splitter holds at most, and who gets what it reads. */
export interface LineSplitterOptions {
  readonly lineBytesMax: number;
  /** Of a line beyond `lineBytesMax`, which is read to its end and dropped. */
  readonly droppedBytesMax: number;
  /** Gets each complete line, without its line break. */
  readonly onLine: (line: string) => void;
  /** Gets what is kept of a dropped line, at its end; says whether to go on. */
  readonly onDropped: (ends: LineEnds) => boolean;
}

/** The first and the last bytes of a line as Latin-1, which may overlap. */
export interface LineEnds {
  readonly head: string;
  readonly tail: string;
}

/** How many bytes are kept of either end of a dropped line. */
export const endBytesMax = 512;

const lineFeed = 0x0a;

interface KeptEnds {
  readonly head: Buffer;
  readonly tail: Buffer;
}

/** A splitter that holds at most one line of `lineBytesMax` bytes. */
export function createLineSplitter(options: LineSplitterOptions): LineSplitter {
  const { lineBytesMax, droppedBytesMax, onLine, onDropped } = options;
  let held: Buffer[] = [];
  let ends: KeptEnds | undefined;
  let lineBytes = 0;
  let isEnded = false;

  function push(chunk: Buffer): boolean {
    let from = 0;
    while (!isEnded) {
      const end = chunk.indexOf(lineFeed, from);
      take(chunk.subarray(from, end < 0 ? chunk.length : end));
      if (isEnded || end < 0) break;
      from = end + 1;
      giveOut();
    }
    return !isEnded;
  }

  function take(part: Buffer): void {
    lineBytes += part.length;
    if (lineBytes <= lineBytesMax) {
      held.push(part);
      return;
    }
    ends = extendEnds(ends ?? keepWhole(held), part);
    held = [];
    isEnded = lineBytes > droppedBytesMax;
  }

  function giveOut(): void {
    const parts = held;
    const dropped = ends;
    held = [];
    ends = undefined;
    lineBytes = 0;
    if (dropped === undefined) onLine(Buffer.concat(parts).toString('utf8').replace(/\r$/, ''));
    else isEnded = !onDropped(toText(dropped));
  }

  return { push };
}

function keepWhole(parts: readonly Buffer[]): KeptEnds {
  const whole = Buffer.concat(parts);
  return { head: whole, tail: whole };
}

/** Copies, so that what is kept holds no chunk in memory. */
function extendEnds({ head, tail }: KeptEnds, part: Buffer): KeptEnds {
  const headBytes = Math.min(endBytesMax, head.length + part.length);
  const lastParts = [tail.subarray(-endBytesMax), part.subarray(-endBytesMax)];
  return {
    head: Buffer.concat([head, part], headBytes),
    tail: Buffer.concat(lastParts).subarray(-endBytesMax),
  };
}

function toText({ head, tail }: KeptEnds): LineEnds {
  return { head: head.toString('latin1'), tail: tail.toString('latin1') };
}
