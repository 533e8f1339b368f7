import { HostError, toErrorData } from '@modelhost/kernel';
import type { ErrorData, RunEventBody, StepInfo, StopReason, WaitOptions } from '@modelhost/kernel';
import type { GivenUpReason, StepEnd, TimedBody } from '../journal/frame.ts';

/** Something that the program asked for and was not given yet. */
export type Ask = StepAsk | WaitAsk;

/** A step, with its body. */
export interface StepAsk {
  readonly kind: 'step';
  readonly name: string;
  readonly isOnce: boolean;
  readonly isCleanup: boolean;
  readonly timeoutMs: number | undefined;
  readonly body: (info: StepInfo) => Promise<unknown>;
  /** The events of the body, from a result of it. */
  readonly tell: (value: unknown) => readonly TimedBody[];
  readonly settle: (end: StepEnd, cause?: unknown) => void;
}

/** A wait for a signal or, without options, for a time alone. */
export interface WaitAsk {
  readonly kind: 'wait';
  readonly name: string;
  /** When it was asked for, `wait.timeoutMs` before its deadline; or the deadline itself. */
  readonly until: { readonly timeoutMs: number } | { readonly atMs: number };
  readonly shown: Omit<WaitOptions, 'timeoutMs'> | undefined;
  readonly settle: (payload: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** Why a step was not finished, as it is journaled. */
export function givenUpReasonOf(reason: unknown): GivenUpReason {
  return isStopReason(reason)
    ? { type: 'stop', reason }
    : { type: 'error', error: toErrorData(reason) };
}

/** What the program is given as the rejection: a {@link StopReason} itself, or an error. */
export function thrownOf(reason: GivenUpReason): StopReason | HostError {
  return reason.type === 'stop' ? reason.reason : errorOf(reason.error);
}

/** An error as it was before it became data; `cause` is for the log alone. */
export function errorOf(
  { code, message, facts, retryAfterMs }: ErrorData,
  cause?: unknown,
): HostError {
  return new HostError(code, message, {
    facts,
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function isStopReason(reason: unknown): reason is StopReason {
  if (typeof reason !== 'object' || reason === null || !('type' in reason)) return false;
  return reason.type === 'cancelled' || reason.type === 'deadline';
}

/** Whether a result tells the events that the body emitted: as many, of the same kinds, at the same times. */
export function isToldBy(
  told: readonly TimedBody[],
  emitted: readonly { readonly timeMs: number; readonly body: RunEventBody }[],
): boolean {
  return (
    told.length === emitted.length &&
    told.every(({ timeMs, body }, index) => {
      const event = emitted[index];
      return event?.timeMs === timeMs && event.body.type === body.type;
    })
  );
}
