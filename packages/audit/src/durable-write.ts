import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** Whether a write is durable by itself. Elsewhere than on Linux it may stop in the disk's own cache. */
const isWriteDurable = process.platform === 'linux';

/** For files that are written to by `writeDurably`: made where there is none, and never cut. */
export const durableFlags: number =
  constants.O_WRONLY | constants.O_CREAT | (isWriteDurable ? constants.O_DSYNC : 0);

/** Writes all of it, at the position or, without one, where the file goes on; resolves when the disk has it. */
export async function writeDurably(
  file: FileHandle,
  text: string,
  position?: number,
): Promise<void> {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    const at = position === undefined ? null : position + written;
    // What was not written goes after what was.
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, at); // oxlint-disable-line no-await-in-loop
    written += bytesWritten;
  }
  if (!isWriteDurable) await file.datasync();
}
