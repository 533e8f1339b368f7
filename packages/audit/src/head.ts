import { open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { AuditReceipt } from '@modelhost/kernel';
import { durableFlags, writeDurably } from './durable-write.ts';

/** After a crash, a cut of the end is noticed as far as the newest note goes. */
const entriesPerNote = 64;
/** In bytes. All notes are as long, so that one takes the place of another whole: it is less than a sector of a disk. */
const noteLength = 128;

/** Keeps a note of the newest entry beside the file, so that a cut end is noticed later. */
export interface HeadNotes {
  /** Notes it when enough entries came since the last note. */
  noteIfDue(head: AuditReceipt | undefined): Promise<void>;
  /** Notes it in any case, and lets go of the file. */
  close(head: AuditReceipt | undefined): Promise<void>;
}

/** The first entry after an opening is noted, so that no file is without a note for long. */
export function createHeadNotes(path: string): HeadNotes {
  let file: FileHandle | undefined;
  let notedIndex = -Infinity;

  async function note(head: AuditReceipt): Promise<void> {
    file ??= await open(`${path}.head`, durableFlags, 0o600);
    await writeDurably(file, `${JSON.stringify(head).padEnd(noteLength - 1)}\n`, 0);
    notedIndex = head.index;
  }

  return {
    noteIfDue: async (head) => {
      if (head !== undefined && head.index >= notedIndex + entriesPerNote) await note(head);
    },
    close: async (head) => {
      try {
        if (head !== undefined) await note(head);
      } finally {
        await file?.close();
      }
    },
  };
}

/** The noted entry; undefined when there is no note, or none that can be read. */
export async function readHead(path: string): Promise<AuditReceipt | undefined> {
  try {
    const value = parseJsonText(await readFile(`${path}.head`, 'utf8'));
    if (!isJsonObject(value)) return undefined;
    const { index, hash } = value;
    return typeof index === 'number' && typeof hash === 'string' ? { index, hash } : undefined;
  } catch {
    // No note, or a damaged one: the chain itself still holds.
    return undefined;
  }
}
