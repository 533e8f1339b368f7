import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { plantedBugs } from './planted-bugs.ts';
import { regressions } from './regressions.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

/** The simulation makes the globals of its process unusable, so it gets one of its own. */
async function simulate(...args: readonly string[]): Promise<readonly unknown[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args]);
  return stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

test('100 worlds with crashes keep every law, and are the same when replayed', async (t) => {
  const [summary] = await simulate('--seeds', '100');
  t.diagnostic(JSON.stringify(summary));
  assert.partialDeepStrictEqual(summary, { seeds: 100, failed: 0 });
});

test('every world in which a law was broken once keeps it', async () => {
  const [summary] = await simulate('--regressions');
  assert.deepEqual(summary, { seeds: regressions.size, failed: 0 });
});

test('the same seeds give the same trace in another process, and other seeds another', async () => {
  const [[one], [same], [other]] = await Promise.all([
    simulate('--seeds', '10'),
    simulate('--seeds', '10'),
    simulate('--seeds', '10', '--from', '11'),
  ]);
  assert.equal(traceOf(one), traceOf(same));
  assert.notEqual(traceOf(one), traceOf(other));
});

test('every planted bug is found by its law, at the seed where it was found first', async () => {
  const hunted = await simulate('--pinned');
  assert.equal(hunted.length, Object.keys(plantedBugs).length);
});

function traceOf(summary: unknown): unknown {
  assert.ok(typeof summary === 'object' && summary !== null && 'trace' in summary);
  return summary.trace;
}
