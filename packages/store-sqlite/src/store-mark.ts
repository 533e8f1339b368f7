import type { DatabaseSync } from 'node:sqlite';
import type { HostError } from '@modelhost/kernel';
import { storageFault } from './fault.ts';

/** How far a store got. None of its numbers ever goes down, so that one which got less far has lost something. */
export interface StoreMark {
  /** Made at random with the store; its backups have the same. */
  readonly storeId: string;
  /** Raised by each opening. */
  readonly epoch: number;
  /** Raised by each transaction. */
  readonly checks: number;
}

/** A mark, and when it was noted. */
export type KnownMark = StoreMark & { readonly atMs: number };

/** Remembers elsewhere how far a store got. */
export interface StoreWitness {
  /** The newest mark that was noted; undefined for a store that was never seen. */
  readonly known: KnownMark | undefined;
  /** Told once a mark is durable in the store: at the opening, a few seconds after a write, and at the end. */
  note(mark: StoreMark): Promise<void>;
  /**
   * Of a file, not in the directory of the store, in which that itself says after each commit how far it got. `raiseMark` reads it.
   */
  readonly reachedPath?: string;
}

/** The columns of a mark. */
export const selectMark =
  'SELECT store_id, epoch, checks FROM identity JOIN owner USING (id) WHERE id = 1';

/** Undefined for a database without tables, or with those of a host that had no marks yet. */
export function readMark(database: DatabaseSync): StoreMark | undefined {
  const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'identity'").get();
  if (table === undefined) return undefined;
  const row = database.prepare(selectMark).get();
  return row === undefined ? undefined : markFrom(row);
}

/** Of a row with its columns. */
export function markFrom(row: Readonly<Record<string, unknown>>): StoreMark {
  const { store_id: storeId, epoch, checks } = row;
  return { storeId: String(storeId), epoch: Number(epoch), checks: Number(checks) };
}

/** Throws `storage_unavailable` for another store than the known one, or one that got less far; `path` is what the message names. */
export function checkMark(mark: StoreMark | undefined, path: string, known: KnownMark): void {
  if (mark === undefined) throw lost(path, 'has no tables any more', known);
  if (mark.storeId !== known.storeId) throw lost(path, `is another store (${mark.storeId})`, known);
  if (mark.epoch >= known.epoch && mark.checks >= known.checks) return;
  const reached = `is at ${mark.epoch}.${mark.checks}`;
  throw lost(path, `lacks its last writes (${reached}), maybe with its -wal file`, known);
}

/** Of a store that is not all there, with what is known of it and the remedy. */
export function lost(path: string, how: string, known: KnownMark): HostError {
  const { storeId, epoch, checks, atMs } = known;
  const noted = `store ${storeId} was at ${epoch}.${checks} on ${new Date(atMs).toISOString()}`;
  return storageFault(
    'lost',
    `${path}: ${how}; ${noted}. Put back what is missing, or move the directory away and restore a backup with \`model-host storage restore\`; \`model-host storage accept-loss runs\` goes on without`,
  );
}
