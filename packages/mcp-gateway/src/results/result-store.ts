import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import { startOfCharacter } from './cut-text.ts';

/** Results that were too long to be given whole, kept for a while for whoever they were given to. */
export interface ResultStore {
  /** Keeps a text and returns its `result://` handle, or undefined when it does not fit into the tenant's share. */
  put(principal: Principal, content: string): string | undefined;
  /**
   * A piece of a kept text. Throws `not_found`, always the same, when it was never there, is no longer kept, or is
   * somebody else's.
   */
  read(principal: Principal, uri: string, range?: ResultRange): ResultPiece;
}

/** Which bytes of UTF-8 are wanted. */
export interface ResultRange {
  /** Default 0. One within a character begins with that character. */
  readonly offset?: number;
  /** Default everything. The piece is cut before a character that would be longer. */
  readonly length?: number;
}

/** A piece of a kept text. */
export interface ResultPiece {
  readonly text: string;
  readonly offset: number;
  /** Where the next piece begins; undefined after the last one. */
  readonly nextOffset: number | undefined;
  readonly bytesTotal: number;
}

/** What a store is made of. */
export interface ResultStoreOptions {
  /** Default 16 MiB. What was used least lately goes first. */
  readonly bytesMaxPerTenant?: number;
  /** Of all tenants together; default 256 MiB. What was used least lately goes first. */
  readonly bytesMax?: number;
  /** Default 15 minutes from when it was put. */
  readonly ttlMs?: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Unguessable, of `[A-Za-z0-9-]`. */
  readonly randomId: () => string;
}
const scheme = 'result://';
/** Of bookkeeping: what is empty takes room as well. */
const entryBytes = 4_096;
const defaults = { bytesMaxPerTenant: 16_777_216, bytesMax: 268_435_456, ttlMs: 900_000 };

/** Keeps results in memory. A handle says nothing of what is behind it, and only who it was given to can use it. */
export function createResultStore(options: ResultStoreOptions): ResultStore {
  const { bytesMaxPerTenant, bytesMax, ttlMs, now, randomId } = { ...defaults, ...options };
  // A map keeps the order of insertion: what was used last goes last.
  const kept = new Map<string, KeptResult>();

  function put(principal: Principal, content: string): string | undefined {
    const encoded = Buffer.from(content);
    const bytes = encoded.length + entryBytes;
    const { tenant, subject } = principal;
    if (bytes > bytesMaxPerTenant || bytes > bytesMax) return undefined;
    dropEnded();
    makeRoom((result) => result.tenant === tenant, bytesMaxPerTenant - bytes);
    makeRoom(() => true, bytesMax - bytes);
    const uri = `${scheme}${randomId()}`;
    kept.set(uri, { tenant, subject, encoded, bytes, endsAtMs: now() + ttlMs });
    return uri;
  }

  function read(principal: Principal, uri: string, range: ResultRange = {}): ResultPiece {
    const result = kept.get(uri);
    const isTheirs = result?.tenant === principal.tenant && result.subject === principal.subject;
    if (result === undefined || !isTheirs) return refuse();
    if (result.endsAtMs <= now()) {
      kept.delete(uri);
      return refuse();
    }
    kept.delete(uri);
    kept.set(uri, result);
    return pieceOf(result.encoded, range);
  }

  /** Drops what was used least lately until no more than `bytesLeft` of those that are meant are kept. */
  function makeRoom(isMeant: (result: KeptResult) => boolean, bytesLeft: number): void {
    const meant = [...kept].filter(([, result]) => isMeant(result));
    let bytes = meant.reduce((sum, [, result]) => sum + result.bytes, 0);
    for (const [uri, result] of meant) {
      if (bytes <= bytesLeft) return;
      kept.delete(uri);
      bytes -= result.bytes;
    }
  }

  function dropEnded(): void {
    for (const [uri, result] of kept) if (result.endsAtMs <= now()) kept.delete(uri);
  }

  return { put, read };
}

interface KeptResult {
  readonly tenant: string;
  readonly subject: string;
  readonly encoded: Buffer;
  readonly bytes: number;
  readonly endsAtMs: number;
}

function pieceOf(
  encoded: Buffer,
  { offset = 0, length = encoded.length }: ResultRange,
): ResultPiece {
  const start = startOfCharacter(encoded, offset);
  const end = Math.max(start, startOfCharacter(encoded, start + length));
  return {
    text: encoded.toString('utf8', start, end),
    offset: start,
    nextOffset: end < encoded.length ? end : undefined,
    bytesTotal: encoded.length,
  };
}

function refuse(): never {
  throw new HostError('not_found', 'no such result, or it is no longer kept');
}
