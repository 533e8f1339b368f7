import { closeSync, constants, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { KnownMark, StoreMark } from './store-mark.ts';

/** Says in a file of its own, after each commit, how far a store got: it is still there when the database, or the log of it, is not. */
export interface ReachedFile {
  /** Takes a few microseconds, since nobody waits for the disk: after a loss of power the file may say less, and never more. */
  note(mark: StoreMark): void;
  close(): void;
}

/** A line has always so many letters, so that it is written in its place. */
const lineLength = 80;

/** Makes the file where it is not there. What cannot be written is not noted: an older note stays true. */
export function openReachedFile(path: string): ReachedFile {
  let handle: number | undefined;
  return {
    note: (mark) => {
      try {
        handle ??= openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
        writeSync(handle, writeLine(mark), 0);
      } catch {
        // As above.
      }
    },
    close: () => {
      if (handle !== undefined) closeSync(handle);
      handle = undefined;
    },
  };
}

/** What is known of a store, raised by what a file says of it; a file that is not there or damaged says nothing. */
export function raiseMark(known: KnownMark, path: string): KnownMark {
  try {
    const reached = readLine(readFileSync(path, 'utf8'));
    if (reached?.storeId !== known.storeId || reached.epoch < known.epoch) return known;
    if (reached.epoch === known.epoch && reached.checks <= known.checks) return known;
    return { ...reached, atMs: Math.round(statSync(path).mtimeMs) };
  } catch {
    return known;
  }
}

function writeLine({ storeId, epoch, checks }: StoreMark): string {
  const text = `${storeId} ${epoch} ${checks}`;
  return `${`${text} ${crc32(text)}`.padEnd(lineLength - 1)}\n`;
}

function readLine(line: string): StoreMark | undefined {
  const [storeId = '', epoch, checks] = line.split(' ');
  const mark = { storeId, epoch: Number(epoch), checks: Number(checks) };
  return line === writeLine(mark) ? mark : undefined;
}
