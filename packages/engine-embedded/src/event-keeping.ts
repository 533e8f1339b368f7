import type { RunEvent } from '@modelhost/kernel';
import type { EngineBounds } from './bounds.ts';
import { eventSize } from './event-size.ts';

/** How much of a run's events is kept. */
export interface EventKeeping {
  /** Events were written. Gives the sequence up to which all have to go; undefined while there is room. */
  add(written: {
    readonly lastSequence: number;
    readonly count: number;
    readonly bytes: number;
  }): number | undefined;
}

/** Events that are taken for one write, when nobody knows how they were written. */
const eventsPerPiece = 64;

/** `before` are the events of the run that were written earlier. The newest write is always kept, whatever its size. */
export function createEventKeeping(
  { eventsMax, eventsBytesMax }: Pick<EngineBounds, 'eventsMax' | 'eventsBytesMax'>,
  before: readonly RunEvent[],
): EventKeeping {
  const writes: { lastSequence: number; count: number; bytes: number }[] = [];
  let count = 0;
  let bytes = 0;

  function push(written: { lastSequence: number; count: number; bytes: number }): void {
    writes.push(written);
    count += written.count;
    bytes += written.bytes;
  }

  for (let index = 0; index < before.length; index += eventsPerPiece) {
    const piece = before.slice(index, index + eventsPerPiece);
    const size = piece.reduce((sum, { body }) => sum + eventSize(body), 0);
    push({ lastSequence: piece.at(-1)?.sequence ?? 0, count: piece.length, bytes: size });
  }

  function add(written: {
    lastSequence: number;
    count: number;
    bytes: number;
  }): number | undefined {
    push({ ...written });
    if (count <= eventsMax && bytes <= eventsBytesMax) return undefined;
    // A little more than must go, so that not every write has to make room.
    let upTo: number | undefined;
    while (writes.length > 1 && (count > eventsMax * 0.9 || bytes > eventsBytesMax * 0.9)) {
      const oldest = writes.shift();
      if (oldest === undefined) break;
      count -= oldest.count;
      bytes -= oldest.bytes;
      upTo = oldest.lastSequence;
    }
    return upTo;
  }

  return { add };
}
