/** What one process keeps and waits for. Every number is a whole number of at least 1, but for `parkAfterMs`. */
export interface EngineBounds {
  /** Runs that are in memory; past it `start` refuses with `overloaded`. */
  readonly runsInFlightMax: number;
  /** Runs that wait outside memory; past it no run leaves it, so that `start` refuses in the end. */
  readonly parkedRunsMax: number;
  /** Runs that are read back into memory at the same time. */
  readonly loadsInFlightMax: number;
  /** Events of one run that are kept; past it the oldest go, in whole writes, and who needs them gets `events-dropped`. */
  readonly eventsMax: number;
  /** As `eventsMax`, in bytes. */
  readonly eventsBytesMax: number;
  /** Followers of one run; past it `follow` refuses with `overloaded`. */
  readonly followersMax: number;
  /** Names of steps and waits of one run; past it the run fails. */
  readonly stepNamesMax: number;
  /** Signals of one run that nobody waits for yet; past it `signal` refuses with `overloaded`. */
  readonly signalsBufferedMax: number;
  /** How long the body of a step may take to settle once its signal is aborted; past it the step is given up. */
  readonly abortGraceMs: number;
  /** The longest that a cleanup step may take. */
  readonly cleanupTimeoutMs: number;
  /** How long a stopped program may take to end, cleanup included; past it the engine ends the run. */
  readonly stopTimeoutMs: number;
  /** How long a run only waits before it leaves memory. 0: at once. */
  readonly parkAfterMs: number;
  /** After how long a run is read again whose store did not answer. */
  readonly storeRetryMs: number;
  /** How long a finished run is kept, and how long its events are. */
  readonly runsKeptMs: number;
  readonly eventsKeptMs: number;
}

const dayMs = 86_400_000;

export const defaultEngineBounds: EngineBounds = {
  runsInFlightMax: 512,
  parkedRunsMax: 100_000,
  loadsInFlightMax: 8,
  eventsMax: 50_000,
  eventsBytesMax: 8 * 1024 * 1024,
  followersMax: 64,
  stepNamesMax: 100_000,
  signalsBufferedMax: 256,
  abortGraceMs: 5_000,
  cleanupTimeoutMs: 10_000,
  stopTimeoutMs: 30_000,
  parkAfterMs: 60_000,
  storeRetryMs: 10_000,
  runsKeptMs: 30 * dayMs,
  eventsKeptMs: 7 * dayMs,
};
