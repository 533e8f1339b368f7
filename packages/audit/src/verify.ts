import { createReadStream } from 'node:fs';
import type { AuditReceipt } from '@modelhost/kernel';
import { genesisHash, lineBytesMax, readLine } from './entry.ts';
import { isLocked } from './file-lock.ts';
import { readHead } from './head.ts';

/** What can be wrong with a file. */
export type AuditProblem =
  /** A line is no entry at all. */
  | 'not-json'
  /** A line was changed. */
  | 'wrong-hash'
  /** A line is intact but does not follow the one before it: something was removed, inserted, moved or exchanged. */
  | 'broken-chain'
  | 'line-too-long'
  /** The last line has no end, and nobody is writing. */
  | 'torn-tail'
  /** Entries that were there when the file was closed are gone, or are others. */
  | 'shorter-than-head';

/** The outcome of a verification. */
export type AuditVerification =
  | {
      readonly ok: true;
      readonly records: number;
      readonly head: AuditReceipt | undefined;
      /** Index of the entry that the note beside the file names; entries cut off behind it do not show. */
      readonly notedIndex: number | undefined;
    }
  | {
      readonly ok: false;
      readonly problem: AuditProblem;
      /** From 1. */
      readonly line: number;
      /** Entries before the problem, which are intact. */
      readonly records: number;
    };

/**
 * Checks every line and the chain, with bounded memory, also while a host writes. A lone chain cannot show that its
 * newest entries were cut off, except against the note that the host leaves when it closes the file.
 */
export async function verifyAuditFile(path: string): Promise<AuditVerification> {
  // Read before the entries: whatever is written meanwhile only adds to them.
  const noted = await readHead(path);
  const chain = createChain(noted);
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path)) {
    // A stream without an encoding gives buffers.
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    let from = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
      const problem =
        end - from > lineBytesMax ? 'line-too-long' : chain.add(bytes.subarray(from, end));
      if (problem !== undefined) return chain.failed(problem);
      from = end + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > lineBytesMax) return chain.failed('line-too-long');
  }
  if (rest.length > 0 && !isLocked(`${path}.lock`)) return chain.failed('torn-tail');
  return chain.end();
}

function createChain(noted: AuditReceipt | undefined) {
  let last: AuditReceipt | undefined;
  let records = 0;

  function add(bytes: Buffer): AuditProblem | undefined {
    const reading = readLine(bytes.toString('utf8'));
    if (reading.kind === 'problem') return reading.problem;
    const { index, hash, previousHash } = reading;
    if (index !== records || previousHash !== (last?.hash ?? genesisHash)) return 'broken-chain';
    if (index === noted?.index && hash !== noted.hash) return 'shorter-than-head';
    records += 1;
    last = { index, hash };
    return undefined;
  }

  function failed(problem: AuditProblem): AuditVerification {
    return { ok: false, problem, line: records + 1, records };
  }

  return {
    add,
    failed,
    end: (): AuditVerification =>
      noted !== undefined && noted.index >= records
        ? failed('shorter-than-head')
        : { ok: true, records, head: last, notedIndex: noted?.index },
  };
}
