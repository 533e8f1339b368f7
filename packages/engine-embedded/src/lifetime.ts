import { HostError } from '@modelhost/kernel';
import type { Clock, StopReason } from '@modelhost/kernel';

/** Running, then perhaps halted (stopped from outside, or by a fault of the program), then finished: never back. */
export interface Lifetime {
  /** Aborts with the {@link StopReason}; a fault does not abort it. */
  readonly signal: AbortSignal;
  /** Halts the run; the first reason counts. */
  stop(reason: StopReason): void;
  /** Halts the run as broken, whatever its program says in the end. Gives the fault to throw. */
  fail(message: string, cause?: unknown): HostError;
  fault(): HostError | undefined;
  /** Why new work is refused; undefined while it is not. Cleanup is refused only once the run is finished. */
  refusal(isCleanup: boolean): StopReason | HostError | undefined;
  /** Ends the run; false when it ended before. */
  finish(): boolean;
}

/** Watches the deadline of a run, and after its halt that it really ends. */
export function createLifetime(options: {
  readonly clock: Clock;
  readonly durationMsMax: number;
  readonly stopTimeoutMs: number;
  readonly onHalt: (reason: StopReason | HostError) => void;
  /** The program was halted `stopTimeoutMs` ago and has not ended. */
  readonly onOverdue: () => void;
  readonly onFault: (fault: HostError) => void;
}): Lifetime {
  const { clock, durationMsMax, stopTimeoutMs, onHalt, onOverdue, onFault } = options;
  const controller = new AbortController();
  let halted: StopReason | HostError | undefined;
  let fault: HostError | undefined;
  let isFinished = false;
  let cancelTimer = clock.setTimer(durationMsMax, () => stop({ type: 'deadline' }));

  function halt(reason: StopReason | HostError): void {
    halted = reason;
    cancelTimer();
    cancelTimer = clock.setTimer(stopTimeoutMs, onOverdue);
    onHalt(reason);
  }

  function stop(reason: StopReason): void {
    if (halted !== undefined || isFinished) return;
    halt(reason);
    controller.abort(reason);
  }

  function fail(message: string, cause?: unknown): HostError {
    const failure = new HostError('internal', message, { cause });
    if (fault !== undefined || isFinished) return failure;
    fault = failure;
    onFault(failure);
    if (halted === undefined) halt(failure);
    return failure;
  }

  function finish(): boolean {
    if (isFinished) return false;
    isFinished = true;
    cancelTimer();
    return true;
  }

  return {
    signal: controller.signal,
    stop,
    fail,
    fault: () => fault,
    refusal: (isCleanup) => {
      if (isFinished) return new HostError('internal', 'the run is finished');
      return isCleanup ? undefined : halted;
    },
    finish,
  };
}
