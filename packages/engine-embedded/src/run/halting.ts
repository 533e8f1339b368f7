import { HostError } from '@modelhost/kernel';
import type { StopReason } from '@modelhost/kernel';

/** Going on, then perhaps halted (stopped from outside, or by a fault of the program), then closed: never back. */
export interface Halting {
  /** Aborts with the {@link StopReason}; a fault does not abort it. */
  readonly signal: AbortSignal;
  /** The first reason counts. */
  stop(reason: StopReason): void;
  /** Halts the run as broken, whatever its program says in the end. Gives the fault to throw. */
  fail(message: string, cause?: unknown): HostError;
  halted(): StopReason | HostError | undefined;
  fault(): HostError | undefined;
  /** Why new work is refused; undefined while it is not. Cleanup is refused only once the run is closed. */
  refusal(isCleanup: boolean): StopReason | HostError | undefined;
  close(): void;
  isClosed(): boolean;
}

/** `onHalt` is called once at most, and so is `onFault`. */
export function createHalting(options: {
  readonly onHalt: (reason: StopReason | HostError) => void;
  readonly onFault: (fault: HostError) => void;
}): Halting {
  const { onHalt, onFault } = options;
  const controller = new AbortController();
  let halted: StopReason | HostError | undefined;
  let fault: HostError | undefined;
  let isClosed = false;

  function halt(reason: StopReason | HostError): void {
    halted = reason;
    onHalt(reason);
  }

  function fail(message: string, cause?: unknown): HostError {
    const failure = new HostError('internal', message, { cause });
    if (fault !== undefined || isClosed) return failure;
    fault = failure;
    onFault(failure);
    if (halted === undefined) halt(failure);
    return failure;
  }

  return {
    signal: controller.signal,
    stop: (reason) => {
      if (halted !== undefined) return;
      halt(reason);
      controller.abort(reason);
    },
    fail,
    halted: () => halted,
    fault: () => fault,
    refusal: (isCleanup) => {
      if (isClosed) return new HostError('internal', 'the run is finished');
      return isCleanup ? undefined : halted;
    },
    close: () => {
      isClosed = true;
    },
    isClosed: () => isClosed,
  };
}
