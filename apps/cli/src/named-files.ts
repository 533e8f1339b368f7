import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { CommandError, exitCodes } from './failure.ts';

/** As large as the largest bundle. */
const bytesMax = 16 * 1_024 * 1_024;

/** Reads a file that a person named. Throws with the remedy when it cannot be read, and past 16 MiB. */
export async function readNamedFile(path: string): Promise<Buffer> {
  try {
    if ((await stat(path)).size <= bytesMax) return await readFile(path);
  } catch (cause) {
    throw new CommandError(
      // Not 5: a script would take it for an answer of the host.
      exitCodes.usage,
      `${path}: cannot be read (${systemCode(cause)})`,
      'check the path and the rights of the file',
    );
  }
  throw new CommandError(exitCodes.usage, `${path}: larger than ${bytesMax} bytes`, 'name another');
}

/** Writes a file whole or not at all; what stood there is replaced. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await using file = await open(temporary, 'wx', 0o644);
    await file.writeFile(content);
    await file.sync();
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw unwritable(path, cause);
  }
}

/** Writes a file that must not be there yet. */
export async function writeNew(path: string, content: string, mode: number): Promise<void> {
  try {
    await using file = await open(path, 'wx', mode);
    await file.writeFile(content);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** Makes a directory that a person named, with those above it, where there is none. */
export async function makeNamedDirectory(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode });
  } catch (cause) {
    throw new CommandError(
      exitCodes.usage,
      `${path}: cannot be made (${systemCode(cause)})`,
      'name a new directory',
    );
  }
}

/** What the system says of a file, such as `ENOENT`. */
export function systemCode(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
}

function unwritable(path: string, cause: unknown): CommandError {
  const code = systemCode(cause);
  return code === 'EEXIST'
    ? new CommandError(
        exitCodes.failure,
        `${path}: is there already`,
        'remove it or choose another name',
      )
    : new CommandError(
        exitCodes.failure,
        `${path}: cannot be written (${code})`,
        'check folder and rights',
      );
}
