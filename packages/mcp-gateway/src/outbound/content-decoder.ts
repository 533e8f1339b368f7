import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { BrotliDecompress, Gunzip, Inflate } from 'node:zlib';
import { HostError } from '@modelhost/kernel';

/** Where bytes go, one ending after them. */
export interface ByteSink {
  push(chunk: Uint8Array): void;
  end(): void;
  fail(reason: Error): void;
}

/** How to hold the sender back. */
export interface Pausing {
  readonly pause: () => void;
  readonly resume: () => void;
}

/** What is decompressed, and for whom. */
export interface DecoderOptions {
  readonly encoding: string | undefined;
  readonly sender: Pausing;
  /** Alias, for messages. */
  readonly server: string;
}

const decompressors: ReadonlyMap<string, () => Gunzip | Inflate | BrotliDecompress> = new Map([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['deflate', () => createInflate()],
  ['br', () => createBrotliDecompress()],
]);

/**
 * The sink that `createSink` makes, for bytes that are not compressed; for others one that decompresses on the way.
 * Either side is held back by the other, so that a small body which unfolds into a huge one never does so at once.
 */
export function createDecoder(
  { encoding, sender, server }: DecoderOptions,
  createSink: (sender: Pausing) => ByteSink,
): ByteSink {
  const stream = decompressors.get(encoding?.trim().toLowerCase() ?? '')?.();
  if (stream === undefined) return createSink(sender);
  const pausing = { pause: () => void stream.pause(), resume: () => void stream.resume() };
  const sink = createSink(pausing);
  stream.on('error', (cause) => {
    const message = `${server}: its answer cannot be decompressed`;
    sink.fail(
      new HostError('mcp_protocol_error', message, { facts: { server, sent: 'true' }, cause }),
    );
  });
  return decompressInto(stream, sender, sink);
}

function decompressInto(
  stream: Gunzip | Inflate | BrotliDecompress,
  { pause, resume }: Pausing,
  sink: ByteSink,
): ByteSink {
  let isDone = false;
  stream.on('data', (chunk: Buffer) => {
    if (!isDone) sink.push(chunk);
  });
  stream.on('drain', resume);
  stream.on('end', () => {
    if (!isDone) sink.end();
  });
  function fail(reason: Error): void {
    isDone = true;
    stream.destroy();
    sink.fail(reason);
  }

  function push(chunk: Uint8Array): void {
    if (!stream.write(chunk)) pause();
  }

  return { push, end: () => void stream.end(), fail };
}
