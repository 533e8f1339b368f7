import type { RunEventBody, ToolProgress } from '@modelhost/kernel';
import { showShortText } from '@modelhost/shown-text';
import type { StepWork } from '../guarded-context.ts';
import type { Incoming } from './incoming.ts';

/** Progress events of one call, all its rounds together; what comes past it is dropped. */
const eventsPerCallMax = 100;
const messageLengthMax = 500;
/** As much as is looked at, so that no value is cut before it is hidden. */
const readLengthMax = 2_000;

type Told = Extract<RunEventBody, { type: 'tool-progress' }>;

/** A progress event with the time that it got. */
export interface TimedProgress {
  readonly timeMs: number;
  readonly body: Told;
}

/** The progress of one round of a call. */
export interface CallProgress {
  add(progress: ToolProgress): void;
  /** Takes nothing more, and gives what was emitted. */
  end(): Promise<readonly TimedProgress[]>;
}

/** What the progress of a round is told with. */
export interface CallProgressOptions {
  readonly callId: string;
  readonly emit: StepWork['emit'];
  readonly incoming: () => Promise<Incoming>;
  /** What the rounds before have emitted. */
  readonly before: readonly TimedProgress[];
}

/**
 * Emits what a server tells of its progress: only what goes forward, and where the total is known only whole hundredths
 * of it, so that the bound does not cut off the end. What has a message waits until it is known what of it is to be hidden.
 */
export function createCallProgress(options: CallProgressOptions): CallProgress {
  const { callId, emit, incoming, before } = options;
  const emitted: TimedProgress[] = [];
  /** No more than there may be events. */
  let waiting: Told[] = [];
  let asked: Promise<void> | undefined;
  let change: Incoming['change'] | undefined;
  let last = before.at(-1)?.body;
  let isEnded = false;

  function isNews({ progress, total }: ToolProgress): boolean {
    const isWhole = total !== undefined && progress >= total;
    // The last place is kept for the end, where it can be known.
    const placesLeft = eventsPerCallMax - before.length - emitted.length - waiting.length;
    if (placesLeft < (total === undefined || isWhole ? 1 : 2)) return false;
    if (last === undefined) return true;
    const step = total === undefined || isWhole ? 0 : total / eventsPerCallMax;
    return progress > last.progress && progress - last.progress >= step;
  }

  function tell(told: Told, hide: Incoming['change']): void {
    const read = showShortText(told.message, readLengthMax);
    const body = { ...told, message: showShortText(hide(read), messageLengthMax) };
    emitted.push({ timeMs: emit(body), body });
  }

  async function tellWaiting(): Promise<void> {
    const known = (await incoming()).change;
    change = known;
    for (const told of waiting) tell(told, known);
    waiting = [];
  }

  return {
    add: (told) => {
      const { progress, total, message } = told;
      if (isEnded) return;
      if (!Number.isFinite(progress) || (total !== undefined && !Number.isFinite(total))) return;
      if (!isNews(told)) return;
      const body: Told = { type: 'tool-progress', callId, progress, total, message };
      last = body;
      if (change !== undefined) return tell(body, change);
      if (waiting.length === 0 && message === '') return tell(body, asIs);
      waiting.push(body);
      asked ??= tellWaiting();
      // Whoever ends it learns of a fault.
      asked.catch(() => {});
    },
    end: async () => {
      isEnded = true;
      await asked;
      return emitted;
    },
  };
}

const asIs = (text: string): string => text;
