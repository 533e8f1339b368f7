import { HostError, sha256Hex } from '@modelhost/kernel';
import type { Clock, RunEventBody, StepInfo, StepOptions } from '@modelhost/kernel';
import type { EngineBounds } from './bounds.ts';

/** How a body ended: with a value, or by being given up because it ignored its signal for too long. */
export type StepEnd<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'given-up'; readonly reason: unknown };

/** The steps of one run. */
export interface Steps {
  /** Takes a name for a step or a wait; false when it was used before or there are too many. */
  claim(name: string): boolean;
  /** Runs a body under its own signal. Rejects with what the body throws. */
  take<T>(
    name: string,
    body: (info: StepInfo) => Promise<T>,
    options: StepOptions<T>,
  ): Promise<StepEnd<T>>;
  inFlight(): number;
  /** Aborts every step but those for cleanup. */
  stop(reason: unknown): void;
  /** Aborts and gives up what still runs. */
  close(reason: unknown): void;
}

interface OpenStep {
  readonly isCleanup: boolean;
  readonly abort: (reason: unknown) => void;
  readonly giveUp: (reason: unknown) => void;
}

/** `emit` gets the events of the bodies while they run; what a body emits later is dropped. */
export function createSteps(options: {
  readonly runId: string;
  readonly clock: Clock;
  readonly bounds: Pick<EngineBounds, 'stepNamesMax' | 'abortGraceMs' | 'cleanupTimeoutMs'>;
  readonly emit: (step: string, body: RunEventBody) => number;
}): Steps {
  const { runId, clock, bounds, emit } = options;
  const names = new Set<string>();
  const open = new Set<OpenStep>();

  function claim(name: string): boolean {
    if (names.has(name) || names.size >= bounds.stepNamesMax) return false;
    names.add(name);
    return true;
  }

  async function take<T>(
    name: string,
    body: (info: StepInfo) => Promise<T>,
    { timeoutMs, isCleanup = false }: StepOptions<T>,
  ): Promise<StepEnd<T>> {
    const guard = createGuard({
      name,
      clock,
      abortGraceMs: bounds.abortGraceMs,
      timeoutMs: isCleanup ? Math.min(timeoutMs ?? Infinity, bounds.cleanupTimeoutMs) : timeoutMs,
    });
    const step: OpenStep = { isCleanup, abort: guard.abort, giveUp: guard.giveUp };
    open.add(step);
    const info: StepInfo = {
      idempotencyKey: sha256Hex(`${runId}\0${name}`),
      signal: guard.signal,
      attempt: 1,
      emit: (event) => (open.has(step) ? emit(name, event) : clock.now()),
      now: () => clock.now(),
    };
    try {
      return await Promise.race([settle(body(info)), guard.givenUp]);
    } finally {
      open.delete(step);
      guard.close();
    }
  }

  return {
    claim,
    take,
    inFlight: () => open.size,
    stop: (reason) => {
      for (const step of open) if (!step.isCleanup) step.abort(reason);
    },
    close: (reason) => {
      for (const step of open) step.giveUp(reason);
      open.clear();
      names.clear();
    },
  };
}

async function settle<T>(work: Promise<T>): Promise<StepEnd<T>> {
  return { kind: 'done', value: await work };
}

interface Guard {
  readonly signal: AbortSignal;
  /** Resolves when the body had its grace after an abort and is still at work. */
  readonly givenUp: Promise<StepEnd<never>>;
  readonly abort: (reason: unknown) => void;
  readonly giveUp: (reason: unknown) => void;
  readonly close: () => void;
}

/** Bounds one body in time: first its signal aborts, then, after the grace, nobody waits for it any more. */
function createGuard(options: {
  readonly name: string;
  readonly clock: Clock;
  readonly timeoutMs: number | undefined;
  readonly abortGraceMs: number;
}): Guard {
  const { name, clock, timeoutMs, abortGraceMs } = options;
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<StepEnd<never>>();
  let cancelTimer: (() => void) | undefined;

  function abort(reason: unknown): void {
    if (controller.signal.aborted) return;
    cancelTimer?.();
    cancelTimer = clock.setTimer(abortGraceMs, () => resolve({ kind: 'given-up', reason }));
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
      resolve({ kind: 'given-up', reason });
    },
    close: () => cancelTimer?.(),
  };
}
