import { open, readFile, rename } from 'node:fs/promises';
import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { AuditReceipt } from '@modelhost/kernel';

/** After a crash, a cut of the end is noticed as far as the newest note goes. */
const entriesPerNote = 64;

/** Keeps a note of the newest entry beside the file, so that a cut end is noticed later. */
export interface HeadNotes {
  note(head: AuditReceipt | undefined): Promise<void>;
  /** Notes it when enough entries came since the last note. */
  noteIfDue(head: AuditReceipt | undefined): Promise<void>;
}

/** The first entry after an opening is noted, so that no file is without a note for long. */
export function createHeadNotes(path: string): HeadNotes {
  let notedIndex = -Infinity;

  async function note(head: AuditReceipt | undefined): Promise<void> {
    if (head === undefined) return;
    await writeHead(path, head);
    notedIndex = head.index;
  }

  return {
    note,
    noteIfDue: async (head) => {
      if (head !== undefined && head.index >= notedIndex + entriesPerNote) await note(head);
    },
  };
}

async function writeHead(path: string, head: AuditReceipt): Promise<void> {
  const draft = `${path}.head.new`;
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(head)}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(draft, `${path}.head`);
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
