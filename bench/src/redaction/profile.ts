/** Where the time goes, as the engine's own sampling says. */
import { Session } from 'node:inspector/promises';

const intervalUs = 200;

/** The functions that most of the time is spent in, with their share of it, while the work is done over and over. */
export async function profile(
  work: () => unknown,
  { forMs, functions }: { readonly forMs: number; readonly functions: number },
): Promise<readonly string[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: intervalUs });
    await session.post('Profiler.start');
    for (const start = performance.now(); performance.now() - start < forMs;) work();
    const { profile: taken } = await session.post('Profiler.stop');
    const names = new Map(
      taken.nodes.map(({ id, callFrame: { functionName, url } }) => [
        id,
        `${functionName || '(anonymous)'} ${url.slice(url.lastIndexOf('/') + 1)}`,
      ]),
    );
    const counts = new Map<string, number>();
    for (const id of taken.samples ?? []) {
      const name = expressions.test(names.get(id) ?? '') ? 'expressions' : (names.get(id) ?? '');
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const all = taken.samples?.length ?? 0;
    return [...counts]
      .toSorted(([, one], [, other]) => other - one)
      .slice(0, functions)
      .map(([name, count]) => `${((100 * count) / all).toFixed(1).padStart(5)} %  ${name}`);
  } finally {
    session.disconnect();
  }
}

const expressions = /^RegExp: /;
