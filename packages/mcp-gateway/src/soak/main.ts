/**
 * `npm run soak:mcp -- <calls> <seed>`: calls over 20 tool servers, some of which go wrong in every way that is known.
 * Fails when the counters do not add up, when a call ran twice, or when heap or handles grow with the number of calls.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startHttpPeers, startStdioPeers } from './peers.ts';
import { slopeOf } from './slope.ts';
import { startSoak } from './soak.ts';
import type { SoakCounts } from './soak.ts';

const [, , callsText = '100000', seedText = '1'] = process.argv;
const callsTotal = Number(callsText);
const roundsTotal = 40;
/** Machine code, shapes of objects and pools of connections are all there after that. */
const warmUpShare = 0.3;
/** By how much the line through the samples may rise from the warm-up to the end, however many calls that is. */
const heapGrowthBytesMax = 1_572_864;
const handlesGrowthMax = 30;

setFlagsFromString('--expose-gc');
// The flag makes it a global of every context that is made from now on.
const collect = runInNewContext('gc') as () => void;

interface Measure {
  readonly calls: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly handles: number;
}

function measure(calls: number): Measure {
  collect();
  collect();
  const { heapUsed: heapBytes, rss: rssBytes } = process.memoryUsage();
  return { calls, heapBytes, rssBytes, handles: process.getActiveResourcesInfo().length };
}

/** mulberry32: small, and the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

async function main(): Promise<void> {
  const peers = [...(await startHttpPeers(16)), ...(await startStdioPeers(4))];
  const soak = await startSoak({
    peers,
    // What a host would pass on.
    environment: process.env, // oxlint-disable-line node/no-process-env
    random: createRandom(Number(seedText)),
    callsInFlight: 64,
    callTimeoutMs: 400,
    faultShare: 0.1,
    cancelShare: 0.02,
  });
  const startedAt = performance.now();
  const measures: Measure[] = [];
  for (let round = 1; round <= roundsTotal; round += 1) {
    const until = Math.round((callsTotal * round) / roundsTotal);
    await soak.run(until - soak.counts().made); // oxlint-disable-line no-await-in-loop
    measures.push(measure(until));
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  report(measures, soak.counts(), seconds);
  await soak.close();
}

/** Prints what was measured and what is wrong with it; the process fails if anything is. */
function report(measures: readonly Measure[], counts: SoakCounts, seconds: number): void {
  const perSecond = Math.round(counts.made / seconds);
  console.log(`${counts.made} calls over 20 servers in ${seconds.toFixed(1)} s, ${perSecond}/s`);
  console.table(counts);
  console.table(
    measures
      .filter((_, index) => index % 5 === 4)
      .map(({ calls, heapBytes, rssBytes, handles }) => ({
        calls,
        'heap MiB': toMebibytes(heapBytes),
        'rss MiB': toMebibytes(rssBytes),
        handles,
      })),
  );
  const heapGrowth = growthOf(measures, 'heapBytes');
  const handlesGrowth = growthOf(measures, 'handles');
  console.log(`heap: ${Math.round(heapGrowth)} bytes after warm-up, at most ${heapGrowthBytesMax}`);
  console.log(`handles: ${handlesGrowth.toFixed(1)} after warm-up, at most ${handlesGrowthMax}`);
  const { made, answered, failedSent, failedUnsent, cancelled, wrong } = counts;
  const problems = [
    made === callsTotal ? [] : 'not all calls were made',
    made === answered + failedSent + failedUnsent + cancelled ? [] : 'the counters do not add up',
    answered > made / 2 ? [] : 'less than half of the calls were answered',
    wrong === 0 ? [] : `${wrong} calls ran twice, or otherwise than said`,
    heapGrowth <= heapGrowthBytesMax ? [] : 'the heap grows',
    handlesGrowth <= handlesGrowthMax ? [] : 'the handles grow',
  ].flat();
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}

/** From the warm-up to the end, by the slope of all samples in between. */
function growthOf(measures: readonly Measure[], member: 'heapBytes' | 'handles'): number {
  const warm = measures.filter(({ calls }) => calls > callsTotal * warmUpShare);
  const samples = warm.map((measured) => ({ calls: measured.calls, value: measured[member] }));
  return slopeOf(samples) * callsTotal * (1 - warmUpShare);
}

function toMebibytes(bytes: number): number {
  return Math.round(bytes / 104_857.6) / 10;
}

await main();
