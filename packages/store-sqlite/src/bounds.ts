/** What a store may use, and how much it does at once. */
export interface StoreBounds {
  /** Bytes of calls that wait for the writer; beyond, a call is refused with `overloaded`. */
  readonly queuedBytesMax: number;
  /** Calls that wait for one reader; beyond, a call is refused with `overloaded`. */
  readonly queuedReadsMax: number;
  /** Size of the database file; beyond, a write is refused as on a full disk. */
  readonly fileBytesMax: number;
  /** Threads that read. */
  readonly readers: number;
  /** How long after a write a witness is told how far the store got. */
  readonly markAfterMs: number;
}

/** For a host of a few cores. */
export const defaultStoreBounds: StoreBounds = {
  queuedBytesMax: 64 * 1_024 * 1_024,
  queuedReadsMax: 1_024,
  fileBytesMax: 256 * 1_024 ** 3,
  readers: 1,
  markAfterMs: 5_000,
};

type FixedBound =
  | 'payloadBytesMax'
  | 'inlineBytesMax'
  | 'writesPerCommitMax'
  | 'checkpointPages'
  | 'removedRowsPerStep'
  | 'damagedRunsMax'
  | 'vacuumPagesPerStep'
  | 'threadHeapMb'
  | 'busyTimeoutMs';

/** What no configuration changes. */
export const fixedBounds: Readonly<Record<FixedBound, number>> = {
  /** One entry, input, status, signal or batch of events. */
  payloadBytesMax: 8_388_608,
  /** Larger payloads are kept once for each content, outside the rows that the tables are searched by. */
  inlineBytesMax: 65_536,
  /** Writes in one transaction. */
  writesPerCommitMax: 128,
  /** Pages of the write-ahead log after which it is copied into the file. */
  checkpointPages: 4_000,
  /** Rows that a step of a retention removes. */
  removedRowsPerStep: 200,
  /** Damaged runs beside which the others are removed still. */
  damagedRunsMax: 1_000,
  /** Pages that a step of a compaction gives back. */
  vacuumPagesPerStep: 100,
  /** JavaScript heap of each thread. */
  threadHeapMb: 256,
  /** How long one waits for a lock of SQLite that nobody should hold. */
  busyTimeoutMs: 5_000,
};
