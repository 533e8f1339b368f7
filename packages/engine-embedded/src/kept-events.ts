import { HostError } from '@modelhost/kernel';
import type { RunEvent } from '@modelhost/kernel';
import type { EngineBounds } from './bounds.ts';
import { eventSize } from './event-size.ts';

/** The newest events of one run, within bounds. */
export interface KeptEvents {
  /** Numbers an event and keeps it. The newest is always kept, whatever its size. */
  push(event: Omit<RunEvent, 'sequence'>): void;
  /** The event of a sequence; undefined when there is none yet. Throws `events_expired` when it is no longer kept. */
  read(sequence: number): RunEvent | undefined;
  /** Sequence of the newest event; 0 before the first. */
  lastSequence(): number;
  /** What the kept events take in memory, roughly. */
  bytes(): number;
}

/** Starts with no event. */
export function createKeptEvents(
  bounds: Pick<EngineBounds, 'eventsMax' | 'eventsBytesMax'>,
): KeptEvents {
  const { eventsMax, eventsBytesMax } = bounds;
  const events: RunEvent[] = [];
  // What lies before this index is dropped; it leaves the array in bulk, so that dropping costs next to nothing.
  let from = 0;
  let bytes = 0;
  let lastSequence = 0;

  const isOverBound = (): boolean => bytes > eventsBytesMax || events.length - from > eventsMax;

  function push({ timeMs, step, body }: Omit<RunEvent, 'sequence'>): void {
    lastSequence += 1;
    events.push({ sequence: lastSequence, timeMs, step, body });
    bytes += eventSize(body);
    if (isOverBound()) dropOldest();
  }

  function dropOldest(): void {
    for (let oldest = events[from]; isOverBound() && from < events.length - 1;) {
      if (oldest === undefined) break;
      bytes -= eventSize(oldest.body);
      from += 1;
      oldest = events[from];
    }
    if (from * 2 < events.length) return;
    events.splice(0, from);
    from = 0;
  }

  function read(sequence: number): RunEvent | undefined {
    if (sequence > lastSequence) return undefined;
    const first = lastSequence - (events.length - from) + 1;
    if (sequence >= first) return events[from + sequence - first];
    throw new HostError('events_expired', `events before ${first} are no longer kept`, {
      facts: { first_sequence: String(first), wanted_sequence: String(sequence) },
    });
  }

  return { push, read, lastSequence: () => lastSequence, bytes: () => bytes };
}
