import { statfs } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HostError } from '@modelhost/kernel';
import type { AuditReceipt } from '@modelhost/kernel';
import { writeDurably } from './durable-write.ts';
import { createHeadNotes } from './head.ts';
import type { HeadNotes } from './head.ts';

/** Less than this is no room: soon nothing could be written again. */
const roomBytesMin = 4 * 1024 * 1024;
const fullCodes: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

/** The end of an audit file, with the note beside it. */
export interface Tail {
  /**
   * Adds lines of which `last` is the last; resolves when they are durable. Rejects with `audit_unavailable`: for good after most errors,
   * as nobody knows then what the disk has; until there is room when it is full, and then nothing of a line stays.
   */
  add(lines: string, last: AuditReceipt): Promise<void>;
  /** The newest durable entry. */
  head(): AuditReceipt | undefined;
  /** Rejects with `audit_unavailable` while nothing can be added. */
  check(): Promise<void>;
  /** Notes where it ends, and lets go of the files. */
  close(): Promise<void>;
}

/** Starts where a file ends that is opened for appending. */
export async function createTail(options: {
  readonly path: string;
  readonly file: FileHandle;
  readonly head: AuditReceipt | undefined;
  /** Of the disk; asked for while it was full when it was last written to. */
  readonly freeBytes?: (path: string) => Promise<number>;
  /** Those beside the file when absent. */
  readonly notes?: HeadNotes;
}): Promise<Tail> {
  const { path, file, freeBytes = freeBytesOf, notes = createHeadNotes(path) } = options;
  let { head } = options;
  let { size } = await file.stat();
  let broken: HostError | undefined;
  let full: HostError | undefined;

  /** What of the lines is there is nobody's: each of them was refused. */
  async function takeBack(): Promise<boolean> {
    try {
      await file.truncate(size);
      await file.datasync();
      return true;
    } catch {
      return false;
    }
  }

  async function refuse(cause: unknown): Promise<HostError> {
    if (isFull(cause) && (await takeBack())) {
      full = new HostError('audit_unavailable', 'the disk of the audit log is full', { cause });
      return full;
    }
    broken = new HostError('audit_unavailable', 'the audit log cannot be written', { cause });
    return broken;
  }

  return {
    add: async (lines, last) => {
      if (broken !== undefined) throw broken;
      try {
        await writeDurably(file, lines);
        size += Buffer.byteLength(lines);
        head = last;
        full = undefined;
        await notes.noteIfDue(head);
      } catch (cause) {
        // The lines are there, and only the note has no room: the next ones come with it.
        if (head === last && isFull(cause)) return;
        throw await refuse(cause);
      }
    },
    head: () => head,
    check: async () => {
      if (broken !== undefined) throw broken;
      if (full !== undefined && (await freeBytes(path)) < roomBytesMin) throw full;
    },
    close: async () => {
      try {
        await notes.close(head);
      } finally {
        await file.close();
      }
    },
  };
}

function isFull(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && fullCodes.has(cause.code);
}

/** None where nobody can tell. */
async function freeBytesOf(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(dirname(path));
    return bavail * bsize;
  } catch {
    return 0;
  }
}
