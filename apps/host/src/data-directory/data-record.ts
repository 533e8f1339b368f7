import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  canonicalJson,
  HostError,
  isJsonObject,
  parseJsonText,
  sha256Hex,
} from '@modelhost/kernel';
import type { AuditReceipt, Json, JsonObject } from '@modelhost/kernel';
import { raiseMark } from '@modelhost/store-sqlite';
import type { KnownMark } from '@modelhost/store-sqlite';
import { replaceFile } from './replace-file.ts';

/** A group of files of a data directory that is lost as one. */
export type DataPart = 'audit' | 'decisions' | 'keys' | 'pins' | 'policy' | 'runs';

interface Seen {
  readonly atMs: number;
}

/** What was there when it was last looked at, by part; a part that was never there is absent. */
export interface KnownParts {
  readonly audit?: AuditReceipt & Seen;
  readonly decisions?: Seen;
  /** Keyed digest of a fixed text: says which key it is, and nothing about it. */
  readonly keys?: { readonly digest: string } & Seen;
  readonly pins?: Seen;
  /** With the sum of all revisions, in digits. */
  readonly policy?: { readonly revisions?: string } & Seen;
  readonly runs?: KnownMark;
}

/** That somebody said to go on without what was known, or with a backup. */
export interface Acceptance {
  readonly part: DataPart;
  readonly action: 'loss-accepted' | 'restored';
  readonly atMs: number;
  /** What was known of the part before; empty for nothing. */
  readonly known: JsonObject;
}

/** What a data directory remembers of its own parts. */
export interface DataRecord {
  readonly known: KnownParts;
  /** Those that are not in the audit log yet. */
  readonly accepted: readonly Acceptance[];
}

const format = 'modelhost-data-directory';
const noRecord: DataRecord = { known: {}, accepted: [] };

/** Reads the record of a data directory; one that has none was never opened by a host that keeps it, and remembers nothing. */
export async function readDataRecord(directory: string): Promise<DataRecord> {
  const path = pathIn(directory);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    // Whoever makes the first file says what is wrong with a directory that is none.
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unusable(path, 'cannot be read', cause);
  });
  if (text === undefined) return noRecord;
  const file = parse(text);
  if (!isJsonObject(file) || file['format'] !== format || file['version'] !== 1) {
    throw unusable(path, 'is damaged');
  }
  const { record, sha256 } = file;
  if (!isJsonObject(record) || sha256 !== sha256Hex(canonicalJson(record))) {
    throw unusable(path, 'was changed');
  }
  // Its digest says that we have written it, all of it.
  const { known, accepted } = record as unknown as DataRecord;
  const { runs } = known;
  if (runs === undefined) return { known, accepted };
  return { known: { ...known, runs: raiseMark(runs, reachedPathIn(directory)) }, accepted };
}

/** Where the store of runs itself says after each commit how far it got. */
export function reachedPathIn(directory: string): string {
  return join(directory, 'runs.reached');
}

/** Puts a record in the place of the one before, durably and as a whole. */
export async function writeDataRecord(directory: string, record: DataRecord): Promise<void> {
  // Members that are undefined are left out.
  const body = JSON.parse(JSON.stringify(record)) as JsonObject; // oxlint-disable-line no-restricted-properties -- our own text
  const sha256 = sha256Hex(canonicalJson(body));
  await replaceFile(
    pathIn(directory),
    `${JSON.stringify({ format, version: 1, sha256, record: body })}\n`,
  );
}

function pathIn(directory: string): string {
  return join(directory, 'store.json');
}

function parse(text: string): Json | undefined {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}

function unusable(path: string, how: string, cause?: unknown): HostError {
  return new HostError(
    'storage_unavailable',
    `${path}: ${how}; see that nothing else of the data directory is missing, then move this file away: the next start makes it anew`,
    { cause, facts: { reason: 'corrupt' } },
  );
}
