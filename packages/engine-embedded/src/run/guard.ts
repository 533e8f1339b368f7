import { HostError } from '@modelhost/kernel';
import type { Clock } from '@modelhost/kernel';

/** The bounds in time of one body. */
export interface Guard {
  readonly signal: AbortSignal;
  /** Resolves with the reason of the abort, when the body had its grace after it and is still at work. */
  readonly givenUp: Promise<{ readonly reason: unknown }>;
  readonly abort: (reason: unknown) => void;
  readonly giveUp: (reason: unknown) => void;
  readonly close: () => void;
}

/** Bounds one body: first its signal aborts, then, after the grace, nobody waits for it any more. */
export function createGuard(options: {
  readonly name: string;
  readonly clock: Clock;
  readonly timeoutMs: number | undefined;
  readonly abortGraceMs: number;
}): Guard {
  const { name, clock, timeoutMs, abortGraceMs } = options;
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<{ readonly reason: unknown }>();
  let cancelTimer: (() => void) | undefined;

  function abort(reason: unknown): void {
    if (controller.signal.aborted) return;
    cancelTimer?.();
    cancelTimer = clock.setTimer(abortGraceMs, () => resolve({ reason }));
    controller.abort(reason);
  }

  if (timeoutMs !== undefined) {
    cancelTimer = clock.setTimer(timeoutMs, () => {
      abort(
        new HostError('deadline_exceeded', `the step ${name} took longer than ${timeoutMs} ms`, {
          facts: { step: name, timeout_ms: String(timeoutMs) },
        }),
      );
    });
  }
  return {
    signal: controller.signal,
    givenUp: promise,
    abort,
    giveUp: (reason) => {
      abort(reason);
      resolve({ reason });
    },
    close: () => cancelTimer?.(),
  };
}
