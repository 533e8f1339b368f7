import type { RunEventBody, ToolProgress } from '@modelhost/kernel';
import type { StepWork } from './guarded-context.ts';
import { toVisibleText } from './visible-text.ts';

/** Progress events of one call, all its rounds together; what comes past it is dropped. */
const eventsPerCallMax = 100;
const messageLengthMax = 500;

/** A progress event with the time that it got. */
export interface TimedProgress {
  readonly timeMs: number;
  readonly body: Extract<RunEventBody, { type: 'tool-progress' }>;
}

/** The progress of one round of a call. */
export interface CallProgress {
  add(progress: ToolProgress): void;
  /** Takes nothing more, and gives what was emitted. */
  end(): readonly TimedProgress[];
}

/**
 * Emits what a server tells of its progress: only what goes forward, and where the total is known only whole hundredths
 * of it, so that the bound does not cut off the end. `before` is what the rounds before have emitted.
 */
export function createCallProgress(
  callId: string,
  { emit, redactor }: Pick<StepWork, 'emit' | 'redactor'>,
  before: readonly TimedProgress[],
): CallProgress {
  const emitted: TimedProgress[] = [];
  let last = before.at(-1)?.body;
  let isEnded = false;

  function isNews({ progress, total }: ToolProgress): boolean {
    const isWhole = total !== undefined && progress >= total;
    // The last place is kept for the end, where it can be known.
    const placesLeft = eventsPerCallMax - before.length - emitted.length;
    if (placesLeft < (total === undefined || isWhole ? 1 : 2)) return false;
    if (last === undefined) return true;
    const step = total === undefined || isWhole ? 0 : total / eventsPerCallMax;
    return progress > last.progress && progress - last.progress >= step;
  }

  return {
    add: (told) => {
      const { progress, total } = told;
      if (isEnded) return;
      if (!Number.isFinite(progress) || (total !== undefined && !Number.isFinite(total))) return;
      if (!isNews(told)) return;
      const message = redactor.redact(toVisibleText(told.message, messageLengthMax), {});
      last = { type: 'tool-progress', callId, progress, total, message };
      emitted.push({ timeMs: emit(last), body: last });
    },
    end: () => {
      isEnded = true;
      return emitted;
    },
  };
}
