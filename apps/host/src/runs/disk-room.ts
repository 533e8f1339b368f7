import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError } from '@modelhost/kernel';

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

/** How many causes of an error are looked at. */
const causesMax = 8;

/** Why a host does not start, as `storage_unavailable` with the remedy where the disk has no room; anything else as it is. */
export function toStartFault(thrown: unknown, dataDirectory: string): unknown {
  if (thrown instanceof HostError && thrown.code === 'storage_unavailable') return thrown;
  let cause: unknown = thrown;
  for (let depth = 0; depth < causesMax && cause instanceof Error; depth += 1) {
    if ('code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')) {
      return new HostError(
        'storage_unavailable',
        `${dataDirectory}: there is no room left on this disk; make room there, or set server.dataDirectory to another one`,
        { cause: thrown, facts: { reason: 'disk_full' } },
      );
    }
    ({ cause } = cause);
  }
  return thrown;
}
