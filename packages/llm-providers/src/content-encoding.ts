import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import type { Transform } from 'node:stream';

/** Undoes the content encoding of one answer. */
export interface BodyDecoder {
  /** False when it wants no more until `onDrain`. */
  write(bytes: Buffer): boolean;
  end(): void;
  pause(): void;
  resume(): void;
  destroy(): void;
}

/** Where decoded bytes go. They come in pieces of at most 16 KiB, so that a bomb is seen before it is big. */
export interface DecodedSink {
  onBytes(bytes: Buffer): void;
  onDrain(): void;
  onEnd(): void;
  onError(error: Error): void;
}

/** Value of `accept-encoding`: what {@link createBodyDecoder} understands. */
export const acceptEncoding = 'gzip, deflate, br';

/** Whether an encoding can be decoded; `identity` needs no decoder. */
export function isKnownEncoding(encoding: string): boolean {
  return ['gzip', 'x-gzip', 'deflate', 'br'].includes(encoding);
}

/** A decoder for a known encoding. Whoever creates it destroys it or ends it. */
export function createBodyDecoder(encoding: string, sink: DecodedSink): BodyDecoder {
  let stream: Transform | undefined;
  let isPaused = false;

  function open(first: Buffer): Transform {
    const opened = createStream(encoding, first);
    opened.on('data', (bytes: Buffer) => sink.onBytes(bytes));
    opened.on('drain', () => sink.onDrain());
    opened.on('end', () => sink.onEnd());
    opened.on('error', (error) => sink.onError(error));
    if (isPaused) opened.pause();
    return opened;
  }

  return {
    write: (bytes) => {
      stream ??= open(bytes);
      return stream.write(bytes);
    },
    end: () => {
      if (stream === undefined) sink.onEnd();
      else stream.end();
    },
    pause: () => {
      isPaused = true;
      stream?.pause();
    },
    resume: () => {
      isPaused = false;
      stream?.resume();
    },
    destroy: () => {
      stream?.destroy();
    },
  };
}

function createStream(encoding: string, first: Buffer): Transform {
  if (encoding === 'br') return createBrotliDecompress();
  if (encoding !== 'deflate') return createGunzip();
  // Some servers send deflate without the zlib wrapper, whose first byte ends in 8.
  const isWrapped = ((first[0] ?? 0) & 0x0f) === 0x08;
  return isWrapped ? createInflate() : createInflateRaw();
}
