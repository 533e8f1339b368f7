import { statSync } from 'node:fs';

/** Whether there is such a thing in the file system, links followed. */
export function isThere(path: string, kind: 'file' | 'directory'): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return kind === 'file' ? found?.isFile() === true : found?.isDirectory() === true;
}
