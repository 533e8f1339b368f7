/** Bounds of what is kept of a stream. */
export interface EventLogBounds {
  /** Events that can be had again; older ones are forgotten, the newest is always kept. */
  readonly eventsKeptMax: number;
  readonly bytesKeptMax: number;
}

/** An event that is kept. */
interface KeptEvent {
  /** Counts from 1. */
  readonly event: number;
  readonly text: string;
}

/** The newest events of a stream. */
export interface EventLog {
  /** Keeps the text that belongs to the next number. */
  add(textOf: (event: number) => string): string;
  /** Number of the newest event; 0 for none. */
  last(): number;
  after(event: number): readonly KeptEvent[];
  /** How many of the events after this one are forgotten. */
  lostAfter(event: number): number;
  readonly bytes: () => number;
}

/** Makes an empty log. */
export function createEventLog({ eventsKeptMax, bytesKeptMax }: EventLogBounds): EventLog {
  const kept: KeptEvent[] = [];
  let bytes = 0;
  let last = 0;
  return {
    add: (textOf) => {
      last += 1;
      const text = textOf(last);
      kept.push({ event: last, text });
      bytes += text.length;
      while (kept.length > 1 && (kept.length > eventsKeptMax || bytes > bytesKeptMax)) {
        bytes -= kept.shift()?.text.length ?? 0;
      }
      return text;
    },
    last: () => last,
    after: (event) => kept.filter((item) => item.event > event),
    lostAfter: (event) => Math.max(0, (kept[0]?.event ?? last + 1) - event - 1),
    bytes: () => bytes,
  };
}
