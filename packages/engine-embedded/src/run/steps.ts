import { sha256Hex } from '@modelhost/kernel';
import type { Clock, RunEventBody, StepInfo } from '@modelhost/kernel';
import type { EngineBounds } from '../bounds.ts';
import { jsonSize } from '../json-size.ts';
import type { StepEnd, TimedBody } from '../journal/frame.ts';
import { addSequence } from '../journal/sequences.ts';
import { givenUpReasonOf, isToldBy } from './ask.ts';
import type { StepAsk } from './ask.ts';
import { createGuard } from './guard.ts';

/** What the program makes of a result is told in one event, which a store must take; a larger one breaks the run. */
const resultBytesMax = 7 * 1024 * 1024;

/** What came of a body. */
export interface EndedStep {
  readonly end: StepEnd;
  /** What the body threw, for the log. */
  readonly cause: unknown;
  /** Of the events that it emitted, as pairs. */
  readonly sequences: readonly number[];
  /** The events themselves, where the result does not tell them. */
  readonly told: readonly TimedBody[] | undefined;
}

/** The bodies that run. */
export interface Steps {
  /** Runs a body under its own signal. Never rejects. */
  run(ask: StepAsk, attempt: number): Promise<EndedStep>;
  inFlight(): number;
  /** Aborts every body but those for cleanup. */
  stop(reason: unknown): void;
  /** Aborts and gives up what still runs. */
  close(reason: unknown): void;
}

interface OpenStep {
  readonly isCleanup: boolean;
  readonly abort: (reason: unknown) => void;
  readonly giveUp: (reason: unknown) => void;
}

type Emitted = TimedBody & { readonly sequence: number };

/** `emit` gets the events of the bodies while they run; what a body emits later is dropped. */
export function createSteps(options: {
  readonly runId: string;
  readonly clock: Clock;
  readonly bounds: Pick<EngineBounds, 'abortGraceMs' | 'cleanupTimeoutMs'>;
  readonly emit: (step: string, body: RunEventBody) => Pick<Emitted, 'sequence' | 'timeMs'>;
}): Steps {
  const { runId, clock, bounds, emit } = options;
  const open = new Set<OpenStep>();

  async function run(ask: StepAsk, attempt: number): Promise<EndedStep> {
    const { name, isCleanup, timeoutMs } = ask;
    const guard = createGuard({
      name,
      clock,
      abortGraceMs: bounds.abortGraceMs,
      timeoutMs: isCleanup ? Math.min(timeoutMs ?? Infinity, bounds.cleanupTimeoutMs) : timeoutMs,
    });
    const step: OpenStep = { isCleanup, abort: guard.abort, giveUp: guard.giveUp };
    const emitted: Emitted[] = [];
    open.add(step);
    const info: StepInfo = {
      idempotencyKey: sha256Hex(`${runId}\0${name}`),
      signal: guard.signal,
      attempt,
      emit: (body) => {
        if (!open.has(step)) return clock.now();
        const { sequence, timeMs } = emit(name, body);
        emitted.push({ sequence, timeMs, body });
        return timeMs;
      },
      now: () => clock.now(),
    };
    try {
      const ended = await Promise.race([settle(ask, info), guard.givenUp]);
      return 'reason' in ended
        ? giveUp(ended.reason, { emitted, attempt })
        : describe(ask, ended, { emitted, attempt });
    } finally {
      open.delete(step);
      guard.close();
    }
  }

  return {
    run,
    inFlight: () => open.size,
    stop: (reason) => {
      for (const step of open) if (!step.isCleanup) step.abort(reason);
    },
    close: (reason) => {
      for (const step of open) step.giveUp(reason);
      open.clear();
    },
  };
}

type Settled = { readonly value: unknown } | { readonly thrown: unknown };

async function settle({ body }: StepAsk, info: StepInfo): Promise<Settled> {
  try {
    return { value: await body(info) };
  } catch (thrown) {
    return { thrown };
  }
}

/** What is known of the bodies of a step. */
interface Tried {
  readonly emitted: readonly Emitted[];
  readonly attempt: number;
}

function giveUp(reason: unknown, { emitted, attempt }: Tried): EndedStep {
  const end = { type: 'given-up', reason: givenUpReasonOf(reason), lost: attempt } as const;
  return { end, cause: reason, ...eventsOf(emitted, []) };
}

function describe(ask: StepAsk, settled: Settled, { emitted, attempt }: Tried): EndedStep {
  if ('thrown' in settled) {
    const { thrown } = settled;
    const reason = givenUpReasonOf(thrown);
    // What this attempt did is its own to say.
    const before = attempt > 1 ? { lost: attempt - 1 } : {};
    const end: StepEnd =
      reason.type === 'stop'
        ? { type: 'refused', reason, ...before }
        : { type: 'failed', error: reason.error, ...before };
    return { end, cause: thrown, ...eventsOf(emitted, []) };
  }
  const { value } = settled;
  const size = jsonSize(value);
  const problem =
    size === undefined ? 'is not JSON' : size > resultBytesMax ? 'is too large' : undefined;
  if (size === undefined || problem !== undefined) {
    const end = {
      type: 'broken',
      message: `the result of the step ${ask.name} ${problem}`,
    } as const;
    return { end, cause: undefined, ...eventsOf(emitted, []) };
  }
  const told = emitted.length === 0 ? [] : ask.tell(value);
  return { end: { type: 'done', value }, cause: undefined, ...eventsOf(emitted, told) };
}

function eventsOf(
  emitted: readonly Emitted[],
  told: readonly TimedBody[],
): Pick<EndedStep, 'sequences' | 'told'> {
  const sequences: number[] = [];
  for (const { sequence } of emitted) addSequence(sequences, sequence);
  if (isToldBy(told, emitted)) return { sequences, told: undefined };
  return { sequences, told: emitted.map(({ timeMs, body }) => ({ timeMs, body })) };
}
