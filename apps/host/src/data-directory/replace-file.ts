import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Between which steps a process may end. In this order; from `renamed` on the new content is the one in force. */
export const replaceSteps = [
  'created',
  'written',
  'synced',
  'renamed',
  'directory-synced',
] as const;
export type ReplaceStep = (typeof replaceSteps)[number];

/**
 * Puts a file that only its owner can read in the place of the one there is, durably: whoever reads the path finds the old
 * content or the new one, also after a crash. The directory has to exist; one call at a time for each path.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  onStep: (step: ReplaceStep) => void = () => {},
): Promise<void> {
  const beside = `${path}.new`;
  // One that a crash left may have other rights, or be a link to somewhere else.
  await rm(beside, { force: true });
  const file = await open(beside, 'wx', 0o600);
  try {
    onStep('created');
    await file.writeFile(content);
    onStep('written');
    await file.sync();
    onStep('synced');
  } finally {
    await file.close();
  }
  await rename(beside, path);
  onStep('renamed');
  await syncDirectory(dirname(path));
  onStep('directory-synced');
}

/** So that the new name outlasts a loss of power. Windows has no such call, and needs none. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
