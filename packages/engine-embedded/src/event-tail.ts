import type { RunEvent } from '@modelhost/kernel';
import { eventSize } from './event-size.ts';

/** The newest events of a run, at hand for followers that keep up. */
export interface EventTail {
  push(events: readonly RunEvent[]): void;
  /** Undefined for one that is not at hand. */
  read(sequence: number): RunEvent | undefined;
  clear(): void;
}

/** Keeps so many events and bytes, and always the newest event. */
export function createEventTail(bounds: {
  readonly eventsMax: number;
  readonly bytesMax: number;
}): EventTail {
  const { eventsMax, bytesMax } = bounds;
  let events: RunEvent[] = [];
  let bytes = 0;

  function push(added: readonly RunEvent[]): void {
    for (const event of added) {
      events.push(event);
      bytes += eventSize(event.body);
    }
    let from = 0;
    while (events.length - from > eventsMax || bytes > bytesMax) {
      const oldest = events[from];
      if (oldest === undefined || from === events.length - 1) break;
      bytes -= eventSize(oldest.body);
      from += 1;
    }
    if (from > 0) events = events.slice(from);
  }

  return {
    push,
    read: (sequence) => {
      const first = events[0];
      return first === undefined ? undefined : events[sequence - first.sequence];
    },
    clear: () => {
      events = [];
      bytes = 0;
    },
  };
}
