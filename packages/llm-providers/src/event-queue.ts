import type { ModelEvent } from '@modelhost/kernel';

/** The events between the reader of an answer and its consumer. */
export interface EventQueue {
  /** Adds an event; text that follows text of the same kind is merged until the next `flush`. */
  push(event: ModelEvent): void;
  /** Ends a read: merges no further and wakes the consumer. */
  flush(): void;
  /** After the queued events there is no more. */
  end(): void;
  /** After the queued events comes this error, once. */
  fail(error: unknown): void;
  /** Drops what is queued. */
  clear(): void;
  /** The next event. A second call must wait for the first. */
  next(): Promise<EventResult>;
}

/** What an iteration over model events gives. */
export type EventResult = IteratorResult<ModelEvent, undefined>;

/** A queue of one answer. After `onFull` comes `onRoom`, once the consumer has taken the last queued event. */
export function createEventQueue(options: {
  readonly eventsMax: number;
  readonly onFull: () => void;
  readonly onRoom: () => void;
}): EventQueue {
  const items = createMergingList();
  let isFull = false;
  let ending: 'none' | 'end' | { readonly error: unknown } = 'none';
  let waiter: PromiseWithResolvers<EventResult> | undefined;

  function take(): EventResult {
    const value = items.shift();
    if (value === undefined) return takeEnding();
    if (isFull && items.length() === 0) {
      isFull = false;
      options.onRoom();
    }
    return { value, done: false };
  }

  function takeEnding(): EventResult {
    if (typeof ending === 'string') return { value: undefined, done: true };
    const { error } = ending;
    ending = 'end';
    throw error;
  }

  function wake(): void {
    if (waiter === undefined || (items.length() === 0 && ending === 'none')) return;
    const { resolve, reject } = waiter;
    waiter = undefined;
    try {
      resolve(take());
    } catch (error) {
      reject(error);
    }
  }

  function conclude(how: 'end' | { readonly error: unknown }): void {
    if (ending === 'none') ending = how;
    wake();
  }

  return {
    push: (event) => items.push(event),
    flush: () => {
      items.seal();
      wake();
      if (isFull || items.length() < options.eventsMax) return;
      isFull = true;
      options.onFull();
    },
    end: () => conclude('end'),
    fail: (error) => conclude({ error }),
    clear: () => items.clear(),
    next: () => {
      waiter ??= Promise.withResolvers();
      const { promise } = waiter;
      wake();
      return promise;
    },
  };
}

interface MergingList {
  push(event: ModelEvent): void;
  /** Nothing is merged into what is already here. */
  seal(): void;
  shift(): ModelEvent | undefined;
  clear(): void;
  length(): number;
}

function createMergingList(): MergingList {
  let items: ModelEvent[] = [];
  let open: { type: 'text-delta' | 'reasoning-delta'; text: string } | undefined;
  return {
    push: (event) => {
      if (event.type !== 'text-delta' && event.type !== 'reasoning-delta') {
        open = undefined;
        items.push(event);
      } else if (open?.type === event.type) {
        open.text += event.text;
      } else {
        open = { type: event.type, text: event.text };
        items.push(open);
      }
    },
    seal: () => {
      open = undefined;
    },
    shift: () => items.shift(),
    clear: () => {
      items = [];
      open = undefined;
    },
    length: () => items.length,
  };
}
