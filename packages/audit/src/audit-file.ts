import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HostError } from '@modelhost/kernel';
import type { AuditLog, AuditReceipt, AuditRecord } from '@modelhost/kernel';
import { durableFlags } from './durable-write.ts';
import { entryLine, genesisHash, lineBytesMax } from './entry.ts';
import { lockFile } from './file-lock.ts';
import type { FileLock } from './file-lock.ts';
import { recoverTail } from './recover.ts';
import { createTail } from './tail.ts';
import type { Tail } from './tail.ts';

/** Records that may wait for the disk. */
const waitingMax = 10_000;
const rideMsMaxDefault = 20;

/** What an audit file needs. */
export interface AuditFileOptions {
  /** The file; `.lock` and `.head` beside it are its own. */
  readonly path: string;
  readonly now: () => number;
  /** So long, and 20 when absent, what may ride waits for others. */
  readonly rideMsMax?: number;
  /** Told after every group commit, with the number of records in it. */
  readonly onCommit?: (records: number) => void;
}

interface Waiting {
  readonly receipt: AuditReceipt;
  readonly resolve: (receipt: AuditReceipt) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Opens the file for this process alone and continues its chain. What comes while a commit is on its way goes into the
 * next one, so that many records share one sync. After an error of the disk nothing is accepted any more; where it was only full,
 * until there is room.
 */
export async function openAuditFile(options: AuditFileOptions): Promise<AuditLog> {
  const { path } = options;
  const fail = (cause: unknown): never => unavailable(path, cause);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch(fail);
  const lock = lockFile(`${path}.lock`);
  try {
    const head = await recoverTail(path);
    const file = await open(path, durableFlags | constants.O_APPEND, 0o600).catch(fail);
    const tail = await createTail({ path, file, head });
    return createAuditFile({ ...options, tail, lock });
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

interface OpenedFile extends Omit<AuditFileOptions, 'path'> {
  readonly tail: Tail;
  readonly lock: Pick<FileLock, 'release'>;
}

/** Goes on with the chain of a file, until it is closed. */
export function createAuditFile(options: OpenedFile): AuditLog {
  const { now, onCommit, tail, rideMsMax = rideMsMaxDefault } = options;
  const chain = createChain(tail.head(), now);
  const patience = createPatience(rideMsMax, start);
  let waiting: Waiting[] = [];
  /** Something waits that does not ride. */
  let isDue = false;
  let committing: Promise<void> | undefined;
  let isClosed = false;

  const append: AuditLog['append'] = async (record, { mayRide } = { mayRide: false }) => {
    refuseIfClosed();
    if (waiting.length >= waitingMax) throw tooMany();
    // While whoever appends has something else on its way, and not once that is waited for.
    const receipt = chain.add(record);
    const { promise, resolve, reject } = Promise.withResolvers<AuditReceipt>();
    waiting.push({ receipt, resolve, reject });
    if (mayRide) patience.begin();
    else start();
    return promise;
  };

  function start(): void {
    isDue = true;
    committing ??= commitAll();
  }

  function refuseIfClosed(): void {
    if (isClosed) throw new HostError('audit_unavailable', 'the audit log is closed');
  }

  async function commitAll(): Promise<void> {
    // Everything that is appended before the event loop goes on shares the first commit.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    while (isDue) {
      isDue = false;
      patience.end();
      const batch = waiting;
      waiting = [];
      await commit(batch, chain.take());
    }
    committing = undefined;
  }

  async function commit(batch: readonly Waiting[], lines: string): Promise<void> {
    const last = batch.at(-1);
    if (last === undefined) return;
    try {
      await tail.add(lines, last.receipt);
    } catch (thrown) {
      // What came meanwhile has the hashes of these before it.
      const refused = [...batch, ...waiting];
      waiting = [];
      chain.restart(tail.head());
      for (const { reject } of refused) reject(thrown);
      return;
    }
    onCommit?.(batch.length);
    for (const { receipt, resolve } of batch) resolve(receipt);
  }

  async function close(): Promise<void> {
    if (isClosed) return;
    isClosed = true;
    // What was accepted before is still written.
    if (waiting.length > 0) start();
    await committing;
    // Whatever becomes of the note, another process may have the file then.
    await tail.close().finally(() => options.lock.release());
  }

  return {
    append,
    head: () => tail.head(),
    check: async () => {
      refuseIfClosed();
      await tail.check();
    },
    close,
  };
}

/** Bounds how long what may ride waits. */
function createPatience(delayMs: number, onOver: () => void): { begin(): void; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    begin: () => {
      timer ??= setTimeout(onOver, delayMs);
    },
    end: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

/** Makes the lines of records, each with the hash of the one before. */
interface Chain {
  /** Throws `audit_unavailable` for what is too large or too deep for a line; then it is as if that never came. */
  add(record: AuditRecord): AuditReceipt;
  /** The lines since it was asked for them before. */
  take(): string;
  /** Goes on from this entry: what was added since is not in the file. */
  restart(head: AuditReceipt | undefined): void;
}

function createChain(head: AuditReceipt | undefined, now: () => number): Chain {
  let last = head;
  let lines = '';
  return {
    add: (record) => {
      const previousHash = last?.hash ?? genesisHash;
      const place = { index: (last?.index ?? -1) + 1, timeMs: now(), previousHash };
      const { line, receipt } = lineOf(record, place);
      lines += `${line}\n`;
      last = receipt;
      return receipt;
    },
    take: () => {
      const taken = lines;
      lines = '';
      return taken;
    },
    restart: (entry) => {
      last = entry;
      lines = '';
    },
  };
}

function lineOf(...entry: Parameters<typeof entryLine>): ReturnType<typeof entryLine> {
  let made: ReturnType<typeof entryLine> | undefined;
  try {
    made = entryLine(...entry);
  } catch {
    // Nested deeper than canonical JSON may be.
  }
  if (made !== undefined && Buffer.byteLength(made.line) < lineBytesMax) return made;
  throw new HostError(
    'audit_unavailable',
    `a record exceeds ${lineBytesMax} bytes or is nested too deeply`,
  );
}

function tooMany(): HostError {
  return new HostError('audit_unavailable', `${waitingMax} audit records wait for the disk`);
}

function unavailable(path: string, cause: unknown): never {
  throw new HostError('audit_unavailable', `${path}: the audit file cannot be opened`, { cause });
}
