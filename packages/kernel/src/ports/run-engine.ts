import type { JsonObject } from '../json.ts';
import type { RunEvent, RunEventBody } from '../run-event.ts';
import type { Principal, RunInput, RunResult, RunState } from '../run.ts';

/** Why a run's signal was aborted. It is the `reason` of the signal. */
export type StopReason =
  | { readonly type: 'cancelled'; readonly by: string }
  | { readonly type: 'deadline' };

/** What a step's body gets. */
export interface StepInfo {
  /** sha256 of run id and step name: the same on every attempt. */
  readonly idempotencyKey: string;
  /** Aborts with the run's {@link StopReason}, perhaps before the run's own signal does; or with an error, on the step's timeout. */
  readonly signal: AbortSignal;
  /** From 1. */
  readonly attempt: number;
  /**
   * Emits an event while the step runs, and gives the time that the event got. What is emitted here must also come out of
   * `events` of the options, with these times.
   */
  readonly emit: (body: RunEventBody) => number;
  /** Milliseconds since the epoch, for durations inside the step; it belongs to the journaled result. */
  readonly now: () => number;
}

/** How a step is run. */
export interface StepOptions<T> {
  /** Past it the step's signal aborts with `deadline_exceeded`. Absent: the run's own deadline. */
  readonly timeoutMs?: number;
  /** Runs even after the run was stopped: for settling, auditing and finishing. Its signal does not follow the run's. */
  readonly isCleanup?: boolean;
  /** Called before the step rejects, where bodies of it began of which nothing is known: how many. */
  readonly onLost?: (attempts: number) => void;
  /** The events that the body emitted, from its result: a replay has no body to run. */
  readonly events?: (
    result: T,
  ) => readonly { readonly timeMs: number; readonly body: RunEventBody }[];
}

/** The outcome of a step that must not run twice. */
export type AtMostOnce<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'unknown' };

/**
 * What the loop sees of the engine (rules: unique and deterministic step names, results are JSON, errors are data).
 * A step whose result was journaled never runs again: its result is given back.
 */
export interface RunContext {
  readonly runId: string;
  /** Aborts with a {@link StopReason}. */
  readonly signal: AbortSignal;
  /** Journaled time, in milliseconds since the epoch. `name` is a step name. */
  now(name: string): Promise<number>;
  step<T>(name: string, body: (info: StepInfo) => Promise<T>, options?: StepOptions<T>): Promise<T>;
  /** As `step`, but after a crash within the body the outcome is `unknown` and the body is not tried again. */
  atMostOnce<T>(
    name: string,
    body: (info: StepInfo) => Promise<T>,
    options?: StepOptions<T>,
  ): Promise<AtMostOnce<T>>;
  /** Waits until `signal` is sent to the run under this name; undefined after the timeout. Rejects with the stop reason. */
  waitForSignal(name: string, options: WaitOptions): Promise<SignalPayload | undefined>;
  /** Waits until a time, across restarts; at once when it is past. Rejects with the stop reason. */
  sleepUntil(name: string, atMs: number): Promise<void>;
  /**
   * Adds an event of the loop itself; `step` is the step it belongs to. Once the run is to stop, an event that something begins is
   * not told, and nothing more of that step.
   */
  emit(step: string, body: RunEventBody): void;
}

/** How a run waits. */
export interface WaitOptions {
  readonly timeoutMs: number;
  /** Roles of which the one who answers must have at least one; empty for anybody of the tenant. Shown in `PendingSignal`. */
  readonly approvers: readonly string[];
  /** Subjects who may not answer, since they asked or have answered already. Shown in `PendingSignal`. */
  readonly refused?: readonly string[];
  /** JSON Schema that the content of an accepted `tool-input` must fit; absent where none is asked for. Shown in `PendingSignal`. */
  readonly accepts?: JsonObject;
}

/** An answer from outside. */
export type SignalPayload =
  | {
      readonly type: 'approval';
      readonly approved: boolean;
      readonly by: string;
      /** Roles that the one who answers has. */
      readonly roles: readonly string[];
      readonly comment: string;
    }
  | { readonly type: 'tool-result'; readonly content: string; readonly isError: boolean }
  | {
      readonly type: 'tool-input';
      readonly action: 'accept' | 'decline' | 'cancel';
      readonly content: JsonObject;
      readonly by: string;
    };

/**
 * Something a run waits for, as `GetRun` shows it. The edge checks who answers, and with what, before it signals, so that whoever errs
 * can try again.
 */
export interface PendingSignal extends Omit<WaitOptions, 'timeoutMs'> {
  /** Name of the signal: `approval/<id>/<vote, from 1>`, `tool-result/<call id>` or `tool-input/<id>`. */
  readonly name: string;
  readonly sinceMs: number;
}

/** What is known of a run. */
export interface RunStatus {
  readonly runId: string;
  readonly principal: Principal;
  readonly agent: string;
  readonly agentVersion: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Session that it goes on with. */
  readonly sessionId?: string;
  readonly state: RunState;
  readonly createdAtMs: number;
  readonly finishedAtMs: number | undefined;
  readonly lastSequence: number;
  readonly waitingFor: readonly PendingSignal[];
  readonly result: RunResult | undefined;
}

/** A page of runs, newest first. */
export interface RunPage {
  readonly runs: readonly RunStatus[];
  /** Give it back as `pageToken`; undefined on the last page. */
  readonly nextPageToken: string | undefined;
}

/** The events of a run, told again. */
export interface RunReplay {
  readonly events: readonly RunEvent[];
  /** Of these events. */
  readonly digest: string;
  /** Of the events as they were told the first time; undefined for a run that is not finished. */
  readonly recordedDigest: string | undefined;
}

/** What becomes of a run in another one. */
export interface RunFork {
  /** Id of the new run. */
  readonly runId: string;
  /** Name of the step that is done anew, such as `turn-2/model`. */
  readonly atStep: string;
  /** What is different; its id, its root and its tenant are the engine's. All from `firstStep` on is done anew. What it throws refuses the fork. */
  readonly change: (input: RunInput, firstStep: string) => RunInput | Promise<RunInput>;
  /** Steps that may be done in the place of the first or with it, such as `turn-2/compact`, with what was made of its input. */
  readonly anew?: (changed: RunInput, firstStep: string) => readonly string[];
}

/** The code of a run: the agent loop. It never throws; every ending is a result. */
export type RunProgram = (context: RunContext, input: RunInput) => Promise<RunResult>;

/** Runs programs, keeps what they did, wakes them. */
export interface RunEngine {
  /** Idempotent on the run id: the same id with the same input is not started twice; with another input it throws `request_conflict`. */
  start(input: RunInput): Promise<{ readonly created: boolean }>;
  /** Buffered, and deduplicated by name: the first payload counts. `accepted: false` when the run does not exist, is finished or had an answer. */
  signal(
    tenant: string,
    runId: string,
    name: string,
    payload: SignalPayload,
  ): Promise<{ readonly accepted: boolean }>;
  /** Stops a run; false when it is unknown or finished. */
  cancel(tenant: string, runId: string, by: string): Promise<boolean>;
  /** Undefined for an unknown run and for one of another tenant. */
  status(tenant: string, runId: string): Promise<RunStatus | undefined>;
  list(
    tenant: string,
    filter: { readonly state?: RunState; readonly pageSize: number; readonly pageToken?: string },
  ): Promise<RunPage>;
  /**
   * Tells the events of a run again, from its journal and its program alone: no step runs. Throws `not_found`, and
   * `failed_precondition` when the program of its version is not there or does otherwise than is journaled.
   */
  replay(tenant: string, runId: string): Promise<RunReplay>;
  /**
   * Starts a new run that goes on from a step of another one, as if that were about to begin: what led to it is taken over, but
   * times under names of one part. Throws `not_found`, and `failed_precondition` when the program of its version is not there, the
   * step never began, or the program does otherwise under the changed input; with what was used by then where that is the budget.
   */
  fork(tenant: string, runId: string, fork: RunFork): Promise<{ readonly created: boolean }>;
  runsInFlight(): number;
  /**
   * Takes no new runs and waits for those that work. What only waits goes on after a restart, from where it is: it is let go at
   * once, or after `timeoutMs` when somebody follows it. What still works then is interrupted, and goes on after a restart as if
   * the process had been killed; resolves with how many that were. Whoever follows what goes on later is told `draining`.
   */
  drain(timeoutMs: number): Promise<{ readonly interrupted: number }>;
}

/** The public stream of each run. */
export interface EventLog {
  /**
   * Events after `afterSequence` in order, then live, until `run-finished` was given; one is given once it is durable. In the
   * place of those that are no longer kept comes one `events-dropped`. Throws `not_found`, `draining` when the host goes, and
   * `failed_precondition` with the fact `last_sequence` where no event has the number `afterSequence` yet.
   */
  follow(
    tenant: string,
    runId: string,
    options: { readonly afterSequence: number; readonly signal: AbortSignal },
  ): AsyncIterable<RunEvent>;
}
