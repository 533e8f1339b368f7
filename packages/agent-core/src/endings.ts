import type { ErrorCode, RunEnding, StopReason } from '@modelhost/kernel';

/** The ending of a run that was stopped from outside. */
export function stopEnding(context: { readonly signal: AbortSignal }): RunEnding {
  // The engine aborts a run's signal with nothing but a StopReason (see the port).
  const stop = context.signal.reason as StopReason;
  return stop.type === 'cancelled' ? { reason: 'cancelled', by: stop.by } : { reason: 'deadline' };
}

/** The ending of a run that failed. */
export function failed(code: ErrorCode, message: string): RunEnding {
  return { reason: 'failed', error: { code, message, facts: {} } };
}
