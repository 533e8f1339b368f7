import type { RunState } from '@modelhost/kernel';

/**
 * A run as it is kept. What its tenant and its people wrote is in sealed bytes, which no store looks into; what is open is
 * what a store finds runs by.
 */
export interface KeptRun {
  readonly runId: string;
  readonly tenant: string;
  /** From 1, in the order in which runs were created in this store; given by the store. */
  readonly ordinal: number;
  readonly state: RunState;
  readonly createdAtMs: number;
  readonly finishedAtMs: number | undefined;
  /** Of what was asked for: the same request may come twice. */
  readonly inputDigest: string;
  /** Version of the program that it was started under: its journal is read by no other. */
  readonly programVersion: string;
  /** Sequence of the newest event that is kept; 0 before the first. */
  readonly lastSequence: number;
  /** Whatever else a status tells. */
  readonly status: Uint8Array;
}

/** A run as it is created. */
export type NewRun = Omit<KeptRun, 'ordinal' | 'lastSequence'> & {
  /** Its journal so far, for one that goes on from a part of another's: kept with the run, or neither is. */
  readonly entries?: readonly Uint8Array[];
};

/** Consecutive events of one run, written at once. */
export interface KeptEvents {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly payload: Uint8Array;
}

/** What changes of one run, as a whole or not at all. */
export interface RunWrite {
  readonly runId: string;
  /** Added to the journal, in this order. */
  readonly entries: readonly Uint8Array[];
  readonly events: KeptEvents | undefined;
  /** Undefined where nothing of it changes but the last sequence. */
  readonly run: Pick<KeptRun, 'state' | 'finishedAtMs' | 'status'> | undefined;
}

/** A signal that came for a run. */
export interface KeptSignal {
  readonly name: string;
  readonly payload: Uint8Array;
}

/** Everything from which a run goes on. */
export interface RunRecord {
  readonly run: KeptRun;
  readonly input: Uint8Array;
  readonly entries: readonly Uint8Array[];
  /** In the order in which they came. */
  readonly signals: readonly KeptSignal[];
}

/** What a look for what was kept long enough has removed. */
export interface Retained {
  readonly runs: number;
  /** Runs whose events were removed. */
  readonly events: number;
  /** Runs found so far of which something stays, since it is damaged. Absent: none. */
  readonly damaged?: number;
}

/** What is to be removed, oldest first. */
export interface Retention {
  /** Finished runs with all that is theirs, when they finished before this time. */
  readonly runsFinishedBeforeMs: number;
  /** Only the events, of runs that finished before this time. */
  readonly eventsFinishedBeforeMs: number;
  /** At most so many runs at once, so that nobody waits for long. */
  readonly runsMax: number;
}

/**
 * Where the embedded engine keeps its runs. One engine at a time has it: what an earlier one still writes is refused. A write
 * resolves when it is durable, in the order of the calls for one run; it rejects with `storage_unavailable`, and then nothing
 * of it is there, nor of the writes of the same run that a durable store was sent before the failure was known. The fact
 * `reason` says why: `disk_full`, `read_only`, `corrupt`, `closed`, or `fenced` when another engine has taken over.
 * A write or a check is refused as `corrupt` where the whole store is damaged, and so is every later one; a read may be so for what it reads alone.
 * Too much that waits is `overloaded`; a write of an unknown run, or of events that leave a hole, is `internal`.
 */
export interface RunStore {
  /** Adds a run; does nothing when the id is known, and gives what is kept under it. */
  create(
    run: NewRun,
    input: Uint8Array,
  ): Promise<{ readonly created: true } | { readonly created: false; readonly run: KeptRun }>;
  write(write: RunWrite): Promise<void>;
  /** Keeps the first signal of a name. `gone`: there is no such run, or it is finished. `full`: it has `signalsMax` already. */
  addSignal(
    runId: string,
    signal: KeptSignal,
    options: { readonly signalsMax: number },
  ): Promise<'added' | 'known' | 'full' | 'gone'>;
  /** Undefined when there is no such run. Any tenant's: whoever asks compares. */
  find(runId: string): Promise<KeptRun | undefined>;
  read(runId: string): Promise<RunRecord | undefined>;
  /** Newest first, those before the ordinal of the page's token. */
  list(
    tenant: string,
    page: {
      readonly state?: RunState;
      readonly beforeOrdinal?: number;
      readonly limit: number;
    },
  ): Promise<readonly KeptRun[]>;
  /** Runs that are not finished, by ordinal. */
  unfinished(page: {
    readonly afterOrdinal: number;
    readonly limit: number;
  }): Promise<readonly KeptRun[]>;
  /** Events after a sequence, up to about so many bytes. `firstSequence`: of the oldest that is still kept; undefined for none. */
  readEvents(
    runId: string,
    options: { readonly afterSequence: number; readonly bytesMax: number },
  ): Promise<{
    readonly events: readonly KeptEvents[];
    readonly firstSequence: number | undefined;
  }>;
  /** Removes events of a run up to a sequence, in whole writes. */
  dropEvents(runId: string, upToSequence: number): Promise<void>;
  retain(retention: Retention): Promise<Retained>;
  /** Rejects with `storage_unavailable` when nothing can be written. */
  check(): Promise<void>;
  close(): Promise<void>;
}
