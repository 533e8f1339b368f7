import type { ByteSink, Pausing } from './content-decoder.ts';

/** Bytes on their way from a socket to one reader. */
export interface ByteQueue {
  readonly sink: ByteSink;
  /** For one loop. After it nothing is kept any more of what still comes. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** How to hold the sender back. */
export interface ByteQueueOptions extends Pausing {
  /** The reader left before the end; the sender is not held back from here on. */
  readonly onLeft: () => void;
}

const queuedBytesMax = 262_144;

/** Holds at most {@link queuedBytesMax} bytes and what the sender had under way when it was paused. */
export function createByteQueue({ pause, resume, onLeft }: ByteQueueOptions): ByteQueue {
  const queued: Uint8Array[] = [];
  let queuedBytes = 0;
  let ending: { readonly failure: Error | undefined } | undefined;
  let isLeft = false;
  let wake: (() => void) | undefined;

  function wakeReader(): void {
    wake?.();
    wake = undefined;
  }

  function push(chunk: Uint8Array): void {
    if (isLeft) return;
    queued.push(chunk);
    const before = queuedBytes;
    queuedBytes += chunk.length;
    if (before <= queuedBytesMax && queuedBytes > queuedBytesMax) pause();
    wakeReader();
  }

  function end(failure?: Error): void {
    ending ??= { failure };
    wakeReader();
  }

  function take(): Uint8Array | undefined {
    const chunk = queued.shift();
    const before = queuedBytes;
    queuedBytes -= chunk?.length ?? 0;
    if (before > queuedBytesMax && queuedBytes <= queuedBytesMax) resume();
    return chunk;
  }

  function leave(): void {
    queued.length = 0;
    if (queuedBytes > queuedBytesMax) resume();
    onLeft();
  }

  async function* read(): AsyncGenerator<Uint8Array, void> {
    try {
      for (;;) {
        const chunk = take();
        if (chunk !== undefined) yield chunk;
        else if (ending === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else if (ending.failure === undefined) return;
        else throw ending.failure;
      }
    } finally {
      isLeft = true;
      if (ending === undefined) leave();
    }
  }

  return { sink: { push, end: () => end(), fail: end }, chunks: read() };
}
