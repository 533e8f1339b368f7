import { HostError } from '@modelhost/kernel';

/** How much may wait for a thread. */
export interface ThreadBounds {
  readonly callsMax: number;
  readonly bytesMax: number;
}

/** Calls that have no answer yet. */
export interface WaitingCalls {
  readonly size: () => number;
  /** Throws `overloaded` when so much more must not wait. */
  admit(bytes: number): void;
  /** Resolves or rejects when the call is settled. */
  add(number: number, bytes: number): Promise<unknown>;
  resolve(number: number, result: unknown): void;
  reject(number: number, fault: HostError): void;
  rejectAll(fault: HostError): void;
}

interface Waiting {
  readonly bytes: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (fault: HostError) => void;
}

/** When one may ask again: a few commits later. */
const retryAfterMs = 100;

/** Calls `onIdle` whenever the last call was settled. */
export function createWaitingCalls(bounds: ThreadBounds, onIdle: () => void): WaitingCalls {
  const waiting = new Map<number, Waiting>();
  let waitingBytes = 0;

  function take(number: number): Waiting | undefined {
    const one = waiting.get(number);
    waiting.delete(number);
    waitingBytes -= one?.bytes ?? 0;
    if (waiting.size === 0) onIdle();
    return one;
  }

  return {
    size: () => waiting.size,
    admit: (bytes) => {
      if (waiting.size < bounds.callsMax && waitingBytes + bytes <= bounds.bytesMax) return;
      throw new HostError('overloaded', 'too much waits for the storage; try again later', {
        retryAfterMs,
      });
    },
    add: async (number, bytes) => {
      waitingBytes += bytes;
      return new Promise((resolve, reject) => waiting.set(number, { bytes, resolve, reject }));
    },
    resolve: (number, result) => take(number)?.resolve(result),
    reject: (number, fault) => take(number)?.reject(fault),
    rejectAll: (fault) => {
      for (const number of waiting.keys()) take(number)?.reject(fault);
    },
  };
}
