/** Closed-loop load: so many streams at a time, each followed by the next. */

/** What one stream showed. */
export interface StreamSample {
  readonly firstTokenMs: number;
  readonly tokens: number;
}

/** Something that can be asked for a stream. It rejects when the stream is not whole. */
export type Target = () => Promise<StreamSample>;

/** What one stretch of load showed. */
export interface LoadResult {
  readonly samples: readonly StreamSample[];
  readonly tokens: number;
  readonly seconds: number;
}

/** Bounds of a stretch of load. */
export interface LoadOptions {
  readonly streams: number;
  /** No stream starts after it; those under way are finished and counted. */
  readonly durationMs: number;
  /** The loops start spread over this time, so that they do not run in step. */
  readonly spreadMs: number;
}

/** Runs the load to its end. */
export async function runLoad(target: Target, options: LoadOptions): Promise<LoadResult> {
  const { streams, durationMs, spreadMs } = options;
  const start = performance.now();
  const samples: StreamSample[] = [];

  async function loop(index: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, (spreadMs * index) / streams));
    while (performance.now() - start < durationMs) samples.push(await target());
  }

  await Promise.all(Array.from({ length: streams }, (_, index) => loop(index)));
  const tokens = samples.reduce((sum, sample) => sum + sample.tokens, 0);
  return { samples, tokens, seconds: (performance.now() - start) / 1_000 };
}
