import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFile } from '@modelhost/audit';
import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { StoreMark } from '@modelhost/store-sqlite';
import { toStartFault } from '../runs/start-fault.ts';
import { isThere, moveRemainsAside } from './data-parts.ts';
import { reachedPathIn, readDataRecord, writeDataRecord } from './data-record.ts';
import type { DataPart, DataRecord } from './data-record.ts';

/**
 * Forgets what is known of a part, so that the next start goes on with what is there, or begins anew, and puts that on record. Gives
 * what was known. Throws `storage_unavailable` with reason `locked` while a host has the directory, and `failed_precondition` where nothing is known
 * and nothing is left, or where there is no directory.
 */
export async function acceptLoss(
  directory: string,
  part: DataPart,
  atMs: number,
): Promise<JsonObject> {
  const isDirectory = await stat(directory)
    .then((found) => found.isDirectory())
    .catch(() => false);
  if (!isDirectory) {
    throw new HostError(
      'failed_precondition',
      `${directory}: is no directory, or cannot be looked at; correct server.dataDirectory`,
    );
  }
  return changing(directory, async (record) => {
    const { [part]: lost, ...known } = record.known;
    const isMoved = await moveRemainsAside(directory, part, atMs);
    // A key may be missed that was never seen: that of a backup.
    const isMissed = part === 'keys' && (await isThere(directory, 'runs'));
    if (lost === undefined && !isMoved && !isMissed) {
      throw new HostError(
        'failed_precondition',
        `${directory}: nothing is known of ${part}, so there is nothing that could be lost`,
      );
    }
    const before: JsonObject = { ...lost };
    const accepted = { part, action: 'loss-accepted', atMs, known: before } as const;
    return [{ known, accepted: [...record.accepted, accepted] }, before];
  });
}

/** Takes a restored store of runs for the one that is known, under whatever key; the next start puts that on record. */
export async function acceptRestored(
  directory: string,
  mark: StoreMark | undefined,
  atMs: number,
): Promise<void> {
  await changing(directory, async (record) => {
    const { runs: before, keys: _keys, ...known } = record.known;
    const accepted = { part: 'runs', action: 'restored', atMs, known: { ...before } } as const;
    const runs = mark === undefined ? {} : { runs: { ...mark, atMs } };
    // A backup is of the same store, which got further.
    await rm(reachedPathIn(directory), { force: true });
    return [{ known: { ...known, ...runs }, accepted: [...record.accepted, accepted] }, undefined];
  });
}

/** With the lock of the audit file, which every host has. */
async function changing<T>(
  directory: string,
  change: (record: DataRecord) => Promise<readonly [DataRecord, T]>,
): Promise<T> {
  try {
    using held = new DisposableStack();
    held.adopt(lockFile(join(directory, 'audit.jsonl.lock')), (lock) => lock.release());
    const [record, result] = await change(await readDataRecord(directory));
    await writeDataRecord(directory, record);
    return result;
  } catch (thrown) {
    throw toStartFault(thrown, directory);
  }
}
