import type { HostError } from '@modelhost/kernel';
import type { StoreBounds } from '../bounds.ts';
import type { StoreWitness } from '../store-mark.ts';
import { startThread } from './client.ts';
import type { ThreadClient } from './client.ts';
import type { ReaderOperations } from './reader.ts';
import type { WriterOperations } from './writer.ts';

/** The threads of an open database. */
export interface StoreThreads {
  /** Resolves when what was asked is durable. Nothing is taken any more once the database was found damaged. */
  readonly write: ThreadClient<WriterOperations>['ask'];
  /** Sees all writes that have resolved. */
  readonly read: ThreadClient<ReaderOperations>['ask'];
  /** Rejects when one of the threads cannot do its work. */
  check(): Promise<void>;
  /** Waits for what was asked, closes the database and ends the threads. Twice does nothing more. */
  close(): Promise<void>;
}

/** Opens the database of a directory in threads. Throws `storage_unavailable` with the remedy, and leaves no thread behind. */
export async function openThreads(
  directory: string,
  bounds: StoreBounds,
  witness: Pick<StoreWitness, 'known' | 'reachedPath'> | undefined,
): Promise<StoreThreads> {
  // Whatever is written into a damaged database may damage more of it.
  let damage: HostError | undefined;
  const onDamage = (fault: HostError): void => {
    damage ??= fault;
  };
  const writer = startThread<WriterOperations>(
    new URL('writer.ts', import.meta.url),
    { callsMax: Number.MAX_SAFE_INTEGER, bytesMax: bounds.queuedBytesMax },
    onDamage,
  );
  const readers = Array.from({ length: bounds.readers }, () =>
    startThread<ReaderOperations>(
      new URL('reader.ts', import.meta.url),
      { callsMax: bounds.queuedReadsMax, bytesMax: Number.MAX_SAFE_INTEGER },
      onDamage,
    ),
  );
  let closing: Promise<void> | undefined;

  async function open(): Promise<void> {
    const { known, reachedPath } = witness ?? {};
    await writer.ask('open', { directory, fileBytesMax: bounds.fileBytesMax, known, reachedPath });
    await Promise.all(readers.map((reader) => reader.ask('open', directory)));
  }

  async function check(): Promise<void> {
    if (damage !== undefined) throw damage;
    await Promise.all([
      writer.ask('checkPlace', null),
      writer.ask('check', null),
      ...readers.map((reader) => reader.ask('check', null)),
    ]);
  }

  async function closeAll(): Promise<void> {
    // Readers first: whoever closes last empties the write-ahead log, and readers may not.
    await Promise.allSettled(readers.map(closeThread));
    await closeThread(writer);
  }

  const write: StoreThreads['write'] = (name, argument, options) =>
    damage === undefined ? writer.ask(name, argument, options) : Promise.reject(damage);

  const read: StoreThreads['read'] = (name, argument, options) => {
    const [first, ...others] = readers;
    if (first === undefined) throw new RangeError('a store needs a reader');
    const idlest = others.reduce((a, b) => (b.waiting() < a.waiting() ? b : a), first);
    return idlest.ask(name, argument, options);
  };

  try {
    await open();
  } catch (thrown) {
    await closeAll();
    throw thrown;
  }
  return { write, read, check, close: () => (closing ??= closeAll()) };
}

async function closeThread(
  thread: Pick<ThreadClient<{ close(argument: null): void }>, 'ask' | 'end'>,
): Promise<void> {
  const closed = thread.ask('close', null);
  // What is asked from here on is refused.
  await Promise.allSettled([closed, thread.end()]);
}
