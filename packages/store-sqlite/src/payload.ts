import { createHash } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { fixedBounds } from './bounds.ts';
import { restoreRemedy, storageFault } from './fault.ts';

/** Where a payload lies: in the columns `body` and `blob` of its row. */
export type PayloadPlace = readonly [body: Uint8Array | null, blob: number | null];

/** Keeps large payloads once for each content. */
export interface Payloads {
  /** For a row that is about to be written. */
  place(bytes: Uint8Array): PayloadPlace;
  /** For a row that is removed or gets another payload: its column `blob`. */
  release(blob: SQLOutputValue | undefined): void;
}

/** Prepares the statements. */
export function createPayloads(database: DatabaseSync): Payloads {
  const findBlob = database.prepare('SELECT id FROM blob WHERE digest = ?');
  const addBlob = database.prepare('INSERT INTO blob (digest, bytes) VALUES (?, ?) RETURNING id');
  const addUse = database.prepare(
    'INSERT INTO blob_use (blob, uses) VALUES (?, 1) ON CONFLICT (blob) DO UPDATE SET uses = uses + 1',
  );
  const removeUse = database.prepare(
    'UPDATE blob_use SET uses = uses - 1 WHERE blob = ? RETURNING uses',
  );
  const removeUses = database.prepare('DELETE FROM blob_use WHERE blob = ?');
  const removeBlob = database.prepare('DELETE FROM blob WHERE id = ?');

  return {
    place: (bytes) => {
      if (bytes.byteLength <= fixedBounds.inlineBytesMax) return [bytes, null];
      const digest = digestOf(bytes);
      const row = findBlob.get(digest) ?? addBlob.get(digest, bytes);
      const blob = Number(row?.['id']);
      addUse.run(blob);
      return [null, blob];
    },
    release: (blob) => {
      if (typeof blob !== 'number') return;
      if (Number(removeUse.get(blob)?.['uses']) > 0) return;
      removeUses.run(blob);
      removeBlob.run(blob);
    },
  };
}

/** The columns that `readPayload` needs, of a table that is joined with the blobs. */
export const payloadColumns = 'body, blob, digest, bytes';

/** The payload of a row with the `payloadColumns`. Throws `storage_unavailable` when it is not what was written. */
export function readPayload(row: Readonly<Record<string, SQLOutputValue>>): Uint8Array {
  const payload = findPayload(row);
  if (payload !== undefined) return payload;
  throw storageFault('corrupt', `a payload is not what was written; ${restoreRemedy}`);
}

/**
 * As `readPayload`, but empty when it is not what was written: nothing sealed opens from that, so that whoever opens many of them
 * notices it for this one alone.
 */
export function readPayloadOrNone(row: Readonly<Record<string, SQLOutputValue>>): Uint8Array {
  return findPayload(row) ?? new Uint8Array();
}

function findPayload(row: Readonly<Record<string, SQLOutputValue>>): Uint8Array | undefined {
  const { body, blob, bytes } = row;
  if (blob === null && body instanceof Uint8Array) return body;
  return bytes instanceof Uint8Array && hasItsContent(row) ? bytes : undefined;
}

/** Whether the bytes of a blob are those that were written, by its digest. */
export function hasItsContent({
  digest,
  bytes,
}: Readonly<Record<string, SQLOutputValue>>): boolean {
  if (!(bytes instanceof Uint8Array) || !(digest instanceof Uint8Array)) return false;
  return digestOf(bytes).equals(digest);
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
