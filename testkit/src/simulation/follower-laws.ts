import type { RunEvent } from '@modelhost/kernel';
import type { Seen } from './clients.ts';
import type { Aftermath } from './laws.ts';
import type { RunPlan } from './scenario.ts';

/** Events of one write, roughly: they are dropped together or not at all. */
const eventsPerWrite = 25;

/** I17: what is kept of a run's events is within its bound, and complete or said to be incomplete. */
export async function checkBuffer(
  { world, host, scenario }: Aftermath,
  { runId, tenant }: RunPlan,
  whole: readonly RunEvent[],
): Promise<void> {
  const { facts } = world;
  const { signal } = new AbortController();
  const kept = await Array.fromAsync(host.follow(tenant, runId, { afterSequence: 0, signal }));
  if (!isPartOf(kept, whole)) facts.violate('I17', `${runId}: other events are kept`);
  const isCut = kept[0]?.body.type === 'events-dropped';
  if (isCut && whole.length <= scenario.eventsMax) {
    facts.violate('I17', `${runId}: of ${whole.length} events only ${kept.length} are kept`);
  }
  if (kept.length > scenario.eventsMax + eventsPerWrite) {
    facts.violate('I17', `${runId}: of ${whole.length} events ${kept.length} are kept`);
  }
}

/** L5: a follower sees what the first one saw, from its cursor on, or is told what of it is gone. */
export function checkFollower({ world, clients }: Aftermath, seen: Seen): void {
  const { facts } = world;
  const { runId, afterSequence, events, error } = seen;
  const whole = (clients.whole.get(runId) ?? []).slice(afterSequence);
  if (!isPartOf(events, whole)) {
    facts.violate('L5', `a follower of ${runId} saw other events`);
  }
  if (error !== undefined) {
    facts.violate('L5', `a follower of ${runId} was refused: ${error.code}`);
  }
}

/** Whether the events are those that were expected, but for gaps that are told. */
function isPartOf(events: readonly RunEvent[], expected: readonly RunEvent[]): boolean {
  let index = 0;
  for (const event of events) {
    const { body } = event;
    if (body.type !== 'events-dropped') {
      if (JSON.stringify(event) !== JSON.stringify(expected[index])) return false;
      index += 1;
      continue;
    }
    if (body.fromSequence !== expected[index]?.sequence) return false;
    index += body.toSequence - body.fromSequence + 1;
  }
  return index === expected.length;
}
