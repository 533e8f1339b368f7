import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { HostError } from '@modelhost/kernel';

/**
 * Makes a data directory where there is none, with those above it, for its owner alone. Throws `storage_unavailable` with the remedy. One step
 * at a time, since Node tries for ever where a file system says that a directory is not there and makes none.
 */
export async function makeDataDirectory(directory: string): Promise<void> {
  const path = resolve(directory);
  if (await isDirectory(path)) return;
  await makeDataDirectory(dirname(path));
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (cause) {
    const code = codeOf(cause);
    // Another process may have made it.
    if (code === 'EEXIST' && (await isDirectory(path))) return;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    throw new HostError(
      'storage_unavailable',
      `${path}: this directory cannot be made; ${isFull ? 'make room on its disk' : 'make it for the host'}, or set server.dataDirectory to another one`,
      { cause, facts: { reason: isFull ? 'disk_full' : 'read_only' } },
    );
  }
}

/** Throws for something else that has the name. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (cause) {
    const code = codeOf(cause);
    // What is said to be no directory comes next.
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw new HostError(
      'storage_unavailable',
      `${path}: cannot be looked at; let the host do so, or set server.dataDirectory to another directory`,
      { cause, facts: { reason: 'read_only' } },
    );
  }
  throw new HostError(
    'storage_unavailable',
    `${path}: is no directory; move it away, or set server.dataDirectory to another place`,
    { facts: { reason: 'unusable' } },
  );
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}
