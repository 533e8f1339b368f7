/** Bounds of the log. What happens at each stands where it is used. */
export const logBounds = {
  /** Decisions that wait to be written; past it the newest are dropped. */
  queueMax: 16_384,
  /** Past so many waiting, arguments longer than so many UTF-16 units are not kept, so that memory is bounded too. */
  waitingWhole: 256,
  waitingLength: 16_384,
  /** So many are not left waiting for the timer. */
  queueHigh: 512,
  flushMs: 250,
  /** What is sealed at one go, or opened: a few milliseconds of work, whichever is reached first. What is sealed is looked through as well. */
  sliceEntries: 32,
  /** Slices that are written in one transaction. */
  lotSlices: 8,
  sealedBytes: 65_536,
  openedBytes: 262_144,
  /** Text of one entry, in UTF-16 units; past it the arguments are left out, and past it still, the entry is dropped. */
  entryLength: 262_144,
  pageSize: 200,
  /** Rows that are read and opened at one go. */
  readRows: 32,
  /** Rows that are deleted in one transaction. */
  trimRows: 256,
  trimTransactions: 64,
  trimMs: 60_000,
  /** Memory of the thread that owns the database. */
  workerHeapMb: 64,
} as const;
