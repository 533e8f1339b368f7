import { HostError } from '@modelhost/kernel';
import type { RunEvent } from '@modelhost/kernel';
import type { EngineBounds } from './bounds.ts';
import { createEventTail } from './event-tail.ts';

/** The newest events are at hand for followers that keep up; the others read what is kept. */
const tailEventsMax = 256;
const tailBytesMax = 256 * 1024;

/** What followers of one run are woken by. */
export interface EventFeed {
  /** These are durable: followers may see them. */
  show(events: readonly RunEvent[]): void;
  /** Events up to this one are durable, whoever wrote them. */
  advance(lastSequence: number): void;
  /** Sequence of the newest event that is durable. */
  lastSequence(): number;
  isEnded(): boolean;
  /** An event that is still at hand. */
  read(sequence: number): RunEvent | undefined;
  /** Takes a follower in; throws `overloaded` past the bound. Call what it gives once, when the follower leaves. */
  join(): () => void;
  hasFollowers(): boolean;
  /** Resolves at the next change, or when `wake` is called. */
  changed(): { readonly promise: Promise<void>; readonly wake: () => void };
  /** Nothing more comes from here: whoever would wait for it gets this error. */
  fail(error: HostError): void;
  failure(): HostError | undefined;
}

/** `lastSequence` is that of the newest event that is durable already. */
export function createEventFeed(options: {
  readonly lastSequence: number;
  readonly isEnded: boolean;
  readonly bounds: Pick<EngineBounds, 'eventsMax' | 'followersMax'>;
}): EventFeed {
  const { followersMax, eventsMax } = options.bounds;
  const tail = createEventTail({
    eventsMax: Math.min(tailEventsMax, eventsMax),
    bytesMax: tailBytesMax,
  });
  const waiting = new Set<() => void>();
  let { lastSequence, isEnded } = options;
  let followers = 0;
  let failure: HostError | undefined;

  function wakeAll(): void {
    if (waiting.size === 0) return;
    for (const wake of waiting) wake();
    waiting.clear();
  }

  function show(events: readonly RunEvent[]): void {
    const last = events.at(-1);
    if (last === undefined) return;
    lastSequence = last.sequence;
    if (last.body.type === 'run-finished') isEnded = true;
    // Nobody who comes later looks here: it reads what is kept.
    if (followers === 0) tail.clear();
    else tail.push(events);
    wakeAll();
  }

  function join(): () => void {
    if (followers >= followersMax) {
      throw tooMany(followersMax);
    }
    followers += 1;
    return () => {
      followers -= 1;
    };
  }

  return {
    show,
    advance: (sequence) => {
      if (sequence <= lastSequence) return;
      lastSequence = sequence;
      tail.clear();
      wakeAll();
    },
    lastSequence: () => lastSequence,
    isEnded: () => isEnded,
    read: (sequence) => tail.read(sequence),
    join,
    hasFollowers: () => followers > 0,
    changed: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      return {
        promise,
        wake: () => {
          waiting.delete(resolve);
          resolve();
        },
      };
    },
    fail: (error) => {
      failure = error;
      wakeAll();
    },
    failure: () => failure,
  };
}

function tooMany(followersMax: number): HostError {
  return new HostError('overloaded', `the run has ${followersMax} followers already`, {
    facts: { followers_max: String(followersMax) },
    retryAfterMs: 1_000,
  });
}
