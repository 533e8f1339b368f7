import type {
  ErrorData,
  RunEvent,
  RunEventBody,
  RunResult,
  SignalPayload,
  StopReason,
} from '@modelhost/kernel';

/**
 * What one write adds to a run's journal: first what the program asked for since the frame before, then what it is handed
 * next, in that order. Whatever is not there is absent, so that a frame is short.
 */
export interface Frame {
  readonly begun?: readonly BegunStep[];
  readonly waits?: readonly KeptWait[];
  /** What the program was told of the time, by the names that it asked under. */
  readonly times?: readonly (readonly [name: string, timeMs: number])[];
  /** Sequence and time of each event of the program itself, in turn; 0 for one that is not told. Its body comes out of the program again. */
  readonly marks?: readonly number[];
  readonly resets?: readonly StepReset[];
  /** With the end of the run: what bodies told that it did not wait for. */
  readonly left?: readonly RunEvent[];
  readonly handed?: readonly Handover[];
}

/** The body of a step may have run from now on. */
export interface BegunStep {
  readonly name: string;
  readonly attempt: number;
  readonly isOnce: boolean;
}

/** Something that the program waits for: a signal, or a time. */
export interface KeptWait {
  readonly name: string;
  readonly sinceMs: number;
  readonly deadlineMs: number;
}

/** What the body of a step told before it was interrupted; nothing else knows it. */
export interface LostEvent {
  readonly sequence: number;
  readonly timeMs: number;
  readonly body: RunEventBody;
}

/** A step begins again after a crash. */
export interface StepReset {
  readonly name: string;
  readonly attempt: number;
  /** Of the event that says so. */
  readonly sequence: number;
  readonly timeMs: number;
  readonly lost: readonly LostEvent[];
}

/** Something that the program is given, one at a time. */
export type Handover =
  | {
      readonly kind: 'step';
      readonly name: string;
      readonly end: StepEnd;
      /** Of the events of the body, as pairs of the first and how many follow on it. */
      readonly sequences: readonly number[];
      /** The events themselves, where the result does not tell them. */
      readonly told?: readonly TimedBody[];
    }
  | { readonly kind: 'signal'; readonly name: string; readonly payload: SignalPayload }
  /** The deadline of a wait. */
  | { readonly kind: 'due'; readonly name: string }
  | { readonly kind: 'stop'; readonly reason: StopReason }
  /** The program gave its result, or the engine ended it. Nothing comes after it. */
  | {
      readonly kind: 'finish';
      readonly result: RunResult;
      readonly sequence: number;
      readonly timeMs: number;
      /** Of all events, this last one included. */
      readonly digest: string;
    };

/** An event of a step's body. */
export interface TimedBody {
  readonly timeMs: number;
  readonly body: RunEventBody;
}

/** How a step ended; `lost` counts the bodies of it of which nothing is known, where there are any. */
export type StepEnd =
  | { readonly type: 'done'; readonly value?: unknown }
  | { readonly type: 'failed'; readonly error: ErrorData; readonly lost?: number }
  /** Its result was no JSON, which breaks the run. */
  | { readonly type: 'broken'; readonly message: string }
  /** Its body ignored its aborted signal for too long, or was interrupted and is not tried again. */
  | { readonly type: 'given-up'; readonly reason: GivenUpReason; readonly lost?: number }
  /** The run was stopped before the body began, or the body threw just that. */
  | { readonly type: 'refused'; readonly reason: GivenUpReason; readonly lost?: number }
  /** It must not run twice, and was interrupted. */
  | { readonly type: 'unknown' };

export type GivenUpReason =
  | { readonly type: 'stop'; readonly reason: StopReason }
  | { readonly type: 'error'; readonly error: ErrorData };

/** Whether there is anything in it. */
export function isEmptyFrame(frame: Frame): boolean {
  return Object.keys(frame).length === 0;
}
