import type { RunEventBody } from '@modelhost/kernel';
import { haltOf } from './ending.ts';
import type { LiveRun } from './live-run.ts';

/** An event of the program: one that its journal knows of, or a new one. */
export function takeEvent(live: LiveRun, step: string, body: RunEventBody): void {
  if (body.type === 'usage') live.spent = body.spent;
  if (live.phase !== 'rehearsed') return tellNew(live, step, body);
  switch (live.told.tell(step, body)) {
    case 'told':
      return;
    case 'silent':
      live.silent.add(step);
      return;
    case 'new':
      live.untold.push([step, body]);
  }
}

/**
 * Tells followers of it, unless it says that something begins although the run is to stop, or is about what would have begun so: then
 * the journal has in its place that it was not told, so that it never is.
 */
export function tellNew(live: LiveRun, step: string, body: RunEventBody): void {
  if (isBeginning(body) && haltOf(live) !== undefined) live.silent.add(step);
  if (live.silent.has(step)) live.outbox.keepSilent();
  else live.outbox.tell(step, body);
  live.wake();
}

function isBeginning({ type }: RunEventBody): boolean {
  return type === 'step-started' || type === 'approval-requested' || type === 'input-requested';
}
