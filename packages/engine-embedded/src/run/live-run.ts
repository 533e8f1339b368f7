import { HostError } from '@modelhost/kernel';
import type {
  Clock,
  RunEventBody,
  RunInput,
  RunProgram,
  RunResult,
  RunStatistics,
  RunStatus,
  SignalPayload,
  StopReason,
} from '@modelhost/kernel';
import type { EngineBounds } from '../bounds.ts';
import type { RunCodec } from '../codec.ts';
import type { EventFeed } from '../event-feed.ts';
import type { EventKeeping } from '../event-keeping.ts';
import type { Journal } from '../journal/journal.ts';
import type { RunStore } from '../run-store.ts';
import type { StepAsk } from './ask.ts';
import type { Outbox } from './outbox.ts';
import type { Performance } from './performance.ts';
import type { ToldEvents, Turn } from './rehearse.ts';
import type { Steps } from './steps.ts';
import type { Waits } from './waits.ts';

/** What a run is read back from, or begins with. */
export interface RunOrigin {
  readonly input: RunInput;
  /** As it is durable. */
  readonly status: RunStatus;
  readonly journal: Journal;
  /** How many entries are kept of it: those of a fork begin with what it goes on from. */
  readonly entries: number;
  /** In the order in which they came. */
  readonly signals: readonly { readonly name: string; readonly payload: SignalPayload }[];
  /** It was asked to stop, whether or not it knows by now. */
  readonly stop: StopReason | undefined;
}

/** What a run is made of. */
export interface RunOptions {
  readonly origin: RunOrigin;
  /** Or why it cannot go on: the run ends with this error. */
  readonly program: RunProgram | HostError;
  readonly clock: Clock;
  readonly codec: RunCodec;
  readonly store: RunStore;
  readonly turn: Turn;
  readonly bounds: EngineBounds;
  readonly feed: EventFeed;
  /** For the log: why the run ends as `internal`, or is interrupted. */
  readonly onFault: (fault: HostError) => void;
  /** Its end is durable. */
  readonly onEnd: (status: RunStatus) => void;
  /** It has only waited for a while: it must be read back at this time, at the latest. Whoever is told drops it, or leaves it. */
  readonly onIdle: (wakeAtMs: number) => void;
  /** The store did not take something, and the run was dropped: what is durable is all that is left of it. */
  readonly onBroken: (cause: unknown) => void;
}

/** What the parts of a run in memory share. */
export interface LiveRun {
  readonly options: RunOptions;
  readonly runId: string;
  readonly tenant: string;
  readonly deadlineMs: number;
  readonly outbox: Outbox;
  readonly waits: Waits;
  readonly steps: Steps;
  readonly performance: Performance;
  readonly told: ToldEvents;
  /** What the program told beyond its journal, while it was handed that. */
  readonly untold: (readonly [step: string, body: RunEventBody])[];
  /** Steps of which nothing more is told: they would have begun after the run was to stop. */
  readonly silent: Set<string>;
  /** Steps that must not run twice, and begin once that is durable. */
  readonly starts: StepAsk[];
  /** Writes whatever should be written, soon; or lets the run leave memory when there is nothing. */
  readonly wake: () => void;
  /** The program is handed what is in the journal, then it is live, until it has ended; in the end the run is gone. */
  phase: 'rehearsed' | 'live' | 'ended' | 'gone';
  /** What the program told last of what it used: all that is known of that when it gives no result. */
  spent: RunStatistics;
  /** The program ended, with this result; undefined when it threw. */
  ended: { readonly result: RunResult | undefined } | undefined;
  isWriting: boolean;
  isStopping: boolean;
  /** Why it was asked to stop, before its program knows of it. */
  stopReason: StopReason | undefined;
  isParkedSoon: boolean;
  /** As it is durable. */
  status: RunStatus;
  /** How many entries its journal has. */
  entries: number;
  keeping: EventKeeping;
  cancelDeadline: () => void;
  cancelOverdue: () => void;
  /** Of what it does nothing for just now: for leaving memory, or for a store to have room again. */
  cancelPause: () => void;
}

/** One for all: making an error costs more than a short step, and nobody is at fault here. */
export const runIsOver: HostError = new HostError('internal', 'the run is finished');

/** How many steps the program waits for. */
export function openSteps({ performance }: LiveRun): number {
  let count = 0;
  for (const { kind } of performance.asks()) if (kind === 'step') count += 1;
  return count;
}

/** Takes a run out of memory: nothing of it has an effect any more. */
export function dropRun(live: LiveRun, reason: unknown): void {
  if (live.phase === 'gone') return;
  live.phase = 'gone';
  live.performance.close();
  live.steps.close(reason);
  live.waits.close();
  live.cancelDeadline();
  live.cancelOverdue();
  live.cancelPause();
}
