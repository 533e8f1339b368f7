/** What one process keeps and waits for. Every number is a whole number of at least 1. */
export interface EngineBounds {
  /** Runs that are not finished; past it `start` refuses with `overloaded`. */
  readonly runsInFlightMax: number;
  /** Finished runs that are kept for reading; past it the oldest is forgotten. */
  readonly finishedRunsMax: number;
  /** Events of all finished runs together; past it the oldest run is forgotten. */
  readonly finishedBytesMax: number;
  /** Events of one run that are kept; past it the oldest go, and who needs them gets `events_expired`. */
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
}

export const defaultEngineBounds: EngineBounds = {
  runsInFlightMax: 512,
  finishedRunsMax: 1_000,
  finishedBytesMax: 256 * 1024 * 1024,
  eventsMax: 50_000,
  eventsBytesMax: 8 * 1024 * 1024,
  followersMax: 64,
  stepNamesMax: 100_000,
  signalsBufferedMax: 256,
  abortGraceMs: 5_000,
  cleanupTimeoutMs: 10_000,
  stopTimeoutMs: 30_000,
};
