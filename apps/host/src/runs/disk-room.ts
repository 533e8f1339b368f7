import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

const probeName = 'room.probe';
/** A database writes more than what it is given. */
const spareBytes = 64 * 1_024;

/** Writes so many bytes, and some more, into a file of the directory and removes it. Rejects when there is no room for it. */
export async function tryRoom(directory: string, bytes: number): Promise<void> {
  const path = join(directory, probeName);
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(Buffer.alloc(2 * bytes + spareBytes, probeName));
    await file.datasync();
  } finally {
    await file.close();
    await unlink(path);
  }
}
