import { canonicalJson, isJsonObject, parseJsonText, sha256Hex } from '@modelhost/kernel';
import type { AuditReceipt, AuditRecord, Json } from '@modelhost/kernel';

/** Hash before the first entry. */
export const genesisHash: string = '0'.repeat(64);
/** The most bytes that a line may have, its end included. */
export const lineBytesMax: number = 64 * 1024;

/** One line of the file without its end: canonical JSON of the record, its place, and a hash over all of that. */
export function entryLine(
  record: AuditRecord,
  place: { readonly index: number; readonly timeMs: number; readonly previousHash: string },
): { readonly line: string; readonly receipt: AuditReceipt } {
  const body = canonicalJson({ ...record, ...place });
  const hash = sha256Hex(body);
  // The hash goes last, so that the text before it is exactly what was hashed.
  const line = `${body.slice(0, -1)},"~hash":"${hash}"}`;
  return { line, receipt: { index: place.index, hash } };
}

/** What a line says of its place in the chain; a problem when it is none of ours. */
export type LineReading =
  | {
      readonly kind: 'entry';
      readonly index: number;
      readonly hash: string;
      readonly previousHash: string;
    }
  | { readonly kind: 'problem'; readonly problem: 'not-json' | 'wrong-hash' };

/** Reads a line and checks its own hash; the chain is the caller's business. */
export function readLine(line: string): LineReading {
  const value = parse(line);
  if (!isJsonObject(value)) return { kind: 'problem', problem: 'not-json' };
  const { '~hash': hash, index, previousHash } = value;
  if (typeof hash !== 'string' || typeof index !== 'number' || typeof previousHash !== 'string') {
    return { kind: 'problem', problem: 'not-json' };
  }
  const tail = `,"~hash":"${hash}"}`;
  const body = `${line.slice(0, -tail.length)}}`;
  // The text itself is compared, so that no other way to write the same value passes.
  const isIntact = line.endsWith(tail) && sha256Hex(body) === hash && isCanonical(value, line);
  return isIntact
    ? { kind: 'entry', index, hash, previousHash }
    : { kind: 'problem', problem: 'wrong-hash' };
}

function isCanonical(value: Json, line: string): boolean {
  try {
    // "~" sorts behind every key of ours, so the whole line is canonical too.
    return canonicalJson(value) === line;
  } catch {
    // Nested deeper than anything that was ever written.
    return false;
  }
}

function parse(line: string): Json | undefined {
  try {
    return parseJsonText(line);
  } catch {
    return undefined;
  }
}
