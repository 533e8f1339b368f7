/**
 * Replays runs whose events are gone: `npm run prove:replay [-- --runs 1000 --kills 10]`. Exits with 1 unless each of them tells
 * the same again, without a model, a tool or a socket.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readCount } from '@modelhost/timing';
import { proveReplay } from './prove.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    kills: { type: 'string', default: '10' },
  },
});
const directory = await mkdtemp(join(tmpdir(), 'prove-replay-'));
try {
  const start = performance.now();
  const proof = await proveReplay({
    directory,
    runs: readCount('--runs', values.runs),
    kills: readCount('--kills', values.kills, 0),
  });
  const stories = Array.from(proof.stories, ([story, count]) => `${count} ${story}`).join(', ');
  console.log(`ok   ${proof.runs} runs (${stories}), ${proof.kills} times killed`);
  console.log(`ok   ${proof.resets} with steps that began again, ${proof.compacted} compacted`);
  console.log(`ok   ${proof.removedEventWrites} writes of events removed, then all replayed:`);
  console.log(`ok   ${proof.runs} digests as recorded and as the events were; no socket opened`);
  console.log(`     in ${((performance.now() - start) / 1_000).toFixed(1)} s`);
} finally {
  await rm(directory, { recursive: true });
}
