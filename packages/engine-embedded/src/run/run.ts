import { noStatistics } from '@modelhost/kernel';
import type {
  RunEvent,
  RunEventBody,
  RunStatus,
  SignalPayload,
  StopReason,
} from '@modelhost/kernel';
import { createEventKeeping } from '../event-keeping.ts';
import { takeAsk } from './asked.ts';
import { endRun, haltRun, stopRun } from './ending.ts';
import { dropRun } from './live-run.ts';
import type { LiveRun, RunOptions } from './live-run.ts';
import { createOutbox } from './outbox.ts';
import { createPerformance } from './performance.ts';
import { createToldEvents } from './rehearse.ts';
import { resumeRun } from './resume.ts';
import { createSteps } from './steps.ts';
import { takeEvent } from './telling.ts';
import { createWaits } from './waits.ts';
import { breakOff, isIdle, wakeWriter } from './writer.ts';

/** A run in memory. */
export interface Run {
  /** Resolves once it is live, or gone again. Before that nothing is expected, and nothing is stopped. */
  readonly ready: Promise<void>;
  /** As it is durable. */
  status(): RunStatus;
  /** As `Waits.expect`; false for a run that is stopped or over. */
  expect(name: string): boolean;
  arrive(name: string, payload: SignalPayload): void;
  forget(name: string): void;
  /** The first reason counts. False when the run is over. */
  stop(reason: StopReason): boolean;
  /** Whether it does nothing but wait. */
  isIdle(): boolean;
  /** Whether its program has ended, so that nothing is left but to write that. */
  isEnding(): boolean;
  /** Lets it leave memory as soon as it does nothing but wait. */
  parkSoon(): void;
  /** Takes it out of memory as it stands: what is not durable is lost, and whatever still runs has no effect on it. */
  drop(reason: unknown): void;
}

/**
 * Takes a run into memory: lets its program go as far as its journal goes, and on from there. Whatever the program does,
 * throws or leaves running, the run ends once, at the latest `stopTimeoutMs` after its deadline.
 */
export function openRun(options: RunOptions): Run {
  const live = createLiveRun(options);
  const ready = resumeRun(live).catch((thrown: unknown) => breakOff(live, thrown));
  return {
    ready,
    status: () => live.status,
    expect: (name) => isHeard(live, name) && live.waits.expect(name),
    arrive: (name, payload) => {
      live.waits.arrive(name, payload);
      wakeWriter(live);
    },
    forget: (name) => {
      live.waits.forget(name);
      wakeWriter(live);
    },
    stop: (reason) => stopRun(live, reason),
    isIdle: () => isIdle(live),
    isEnding: () => live.phase === 'ended',
    parkSoon: () => {
      live.isParkedSoon = true;
      wakeWriter(live);
    },
    drop: (reason) => dropRun(live, reason),
  };
}

function createLiveRun(options: RunOptions): LiveRun {
  const { origin, program, clock, bounds } = options;
  const { input, journal } = origin;
  const { runId, principal } = input;
  const outbox = createOutbox(clock);
  const noTimer = (): void => {};
  const live: LiveRun = {
    options,
    runId,
    tenant: principal.tenant,
    deadlineMs: origin.status.createdAtMs + input.budget.durationMsMax,
    outbox,
    waits: createWaits({
      clock,
      bufferedMax: bounds.signalsBufferedMax,
      ready: (handover) => {
        outbox.ready({ handover });
        wakeWriter(live);
      },
    }),
    steps: createSteps({ runId, clock, bounds, emit: (step, body) => emit(live, step, body) }),
    performance: createPerformance({
      program: typeof program === 'function' ? program : async () => Promise.reject(program),
      input,
      stepNamesMax: bounds.stepNamesMax,
      hooks: {
        onAsk: (ask) => takeAsk(live, ask),
        onEvent: (step, body) => takeEvent(live, step, body),
        onHalt: (reason) => haltRun(live, reason),
        // What is in the journal was told the first time.
        onFault: (fault) => live.phase === 'rehearsed' || options.onFault(fault),
        onEnd: (result) => endRun(live, result),
        readTime: (name) => journal.times.get(name) ?? readTime(live, name),
      },
    }),
    told: createToldEvents(journal),
    untold: [],
    silent: new Set(),
    starts: [],
    wake: () => wakeWriter(live),
    phase: 'rehearsed',
    spent: noStatistics,
    ended: undefined,
    isWriting: false,
    isStopping: false,
    stopReason: undefined,
    isParkedSoon: false,
    status: origin.status,
    entries: origin.entries,
    keeping: createEventKeeping(bounds, []),
    cancelDeadline: noTimer,
    cancelOverdue: noTimer,
    cancelPause: noTimer,
  };
  return live;
}

function emit(live: LiveRun, step: string, body: RunEventBody): RunEvent {
  const event = live.outbox.emit(step, body);
  live.wake();
  return event;
}

/** The time as it is now, to be journaled. */
function readTime(live: LiveRun, name: string): number {
  const nowMs = live.options.clock.now();
  live.outbox.time(name, nowMs);
  return nowMs;
}

/** Whether a signal of this name still has an effect. */
function isHeard({ phase, isStopping, performance, waits }: LiveRun, name: string): boolean {
  if (phase !== 'live' || isStopping) return false;
  return waits.isOpen(name) || !performance.used.has(name);
}
