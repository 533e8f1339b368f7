import { toErrorData } from '@modelhost/kernel';
import type { HostError, RunResult, RunStatistics, StopReason } from '@modelhost/kernel';
import { openSteps, runIsOver } from './live-run.ts';
import type { LiveRun } from './live-run.ts';

/**
 * Asks the program to stop. It learns of it once that is journaled, its bodies at once: a store that takes its time, or takes nothing,
 * must not keep them at work. What comes of them is handed over after the stop. The first reason counts. False when the run is over.
 */
export function stopRun(live: LiveRun, reason: StopReason): boolean {
  if (live.phase === 'ended' || live.phase === 'gone') return false;
  if (live.isStopping) return true;
  live.isStopping = true;
  live.stopReason = reason;
  live.cancelDeadline();
  live.waits.close();
  live.outbox.ready({ handover: { kind: 'stop', reason } });
  live.steps.stop(reason);
  live.wake();
  return true;
}

/**
 * Why no body begins any more but those for cleanup: also while the stop is only on its way to the program. Stops a run whose time is
 * over although no timer has said so, as where the machine was suspended.
 */
export function haltOf(live: LiveRun): StopReason | HostError | undefined {
  if (live.options.clock.now() >= live.deadlineMs) stopRun(live, { type: 'deadline' });
  return live.performance.halted() ?? live.stopReason;
}

/** The program was stopped, or is broken: it has a while to end. */
export function haltRun(live: LiveRun, reason: StopReason | HostError): void {
  live.isStopping = true;
  live.cancelDeadline();
  live.waits.close();
  live.steps.stop(reason);
  const { clock, bounds } = live.options;
  live.cancelOverdue = clock.setTimer(bounds.stopTimeoutMs, () => {
    live.performance.fail('the program did not end after it was stopped');
    endRun(live, undefined);
  });
}

/** The program gave its result: the run ends with it, unless it is broken. */
export function endRun(live: LiveRun, result: RunResult | undefined): void {
  // What the journal still has to say comes first.
  if (live.phase === 'rehearsed') {
    live.ended ??= { result };
    return;
  }
  if (live.phase !== 'live') return;
  if (openSteps(live) > 0) live.performance.fail('a step outlived the program');
  closeRun(live, resultOf(live, result));
}

/** Ends a run that cannot go on, whatever its program does. */
export function refuseRun(live: LiveRun, error: HostError): void {
  const ending = { reason: 'failed', error: toErrorData(error) } as const;
  closeRun(live, { ending, statistics: lastTold(live) });
}

function closeRun(live: LiveRun, result: RunResult): void {
  live.phase = 'ended';
  live.performance.close();
  live.steps.close(runIsOver);
  live.waits.close();
  live.cancelDeadline();
  live.cancelOverdue();
  live.outbox.finish(result);
  live.wake();
}

/** The result that the program gave, unless the run is broken: then only its statistics are believed, or what it told last of them. */
function resultOf(live: LiveRun, given: RunResult | undefined): RunResult {
  const fault = live.performance.fault();
  if (given !== undefined && fault === undefined) return given;
  const statistics = given?.statistics ?? lastTold(live);
  return { ending: { reason: 'failed', error: toErrorData(fault) }, statistics };
}

function lastTold({ options, status, spent }: LiveRun): RunStatistics {
  return { ...spent, durationMs: Math.max(0, options.clock.now() - status.createdAtMs) };
}
