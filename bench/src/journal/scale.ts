/**
 * A host on a data directory with 100,000 runs and a million events: `npm run prove:scale [-- --runs 100000 --events 10 --directory FOLDER]`.
 * Exits with 1 when it takes too long to start or to list them, or grows.
 */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ModelHostClient } from '@modelhost/sdk';
import { readCount } from '@modelhost/timing';
import { percentile } from '../figures.ts';
import { describeMachine } from '../report.ts';
import { fillDirectory } from './scale-fill.ts';
import { dataOf, prepareHost, serveIn } from './served-host.ts';
import { verdict } from './verdict.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    events: { type: 'string', default: '10' },
    directory: { type: 'string', default: tmpdir() },
  },
});
const runs = readCount('--runs', values.runs);
const eventsPerRun = readCount('--events', values.events, 2);
const starts = 3;
const pageSize = 50;
const limits = { readyMsMax: 2_000, pageP50MsMax: 20, growthMbMax: 5 } as const;
/** Who calls a host that has no keys. */
const local = { tenant: 'default', subject: 'local' };

await using folder = await mkdtempDisposable(join(values.directory, 'prove-scale-'));
await prepareHost(folder.path);
console.log(describeMachine());
const empty = await measureStarts('an empty directory');
const fillStart = performance.now();
await fillDirectory(dataOf(folder.path), { runs, eventsPerRun, ...local });
const seconds = (performance.now() - fillStart) / 1_000;
console.log(`${runs} runs with ${runs * eventsPerRun} events, written in ${seconds.toFixed(1)} s`);
const full = await measureStarts('the full directory');
const listed = await measureLists();

const verdicts = [
  verdict('start of a host to ready, ms, best', full, limits.readyMsMax),
  verdict('a page of the list, p50 ms, at any depth', listed.p50Ms, limits.pageP50MsMax),
  verdict(
    'growth of what is kept while everything is listed twice again, MB',
    listed.growthMb,
    limits.growthMbMax,
  ),
  verdict('runs that are not listed', runs - listed.count, 0),
];
for (const { text } of verdicts) console.log(text);
console.log(`of the start, ${(full - empty).toFixed(0)} ms are those of the runs`);
if (verdicts.some(({ isHeld }) => !isHeld)) process.exitCode = 1;

/** The best of a few. */
async function measureStarts(what: string): Promise<number> {
  const times: number[] = [];
  const cpu: number[] = [];
  for (let start = 0; start < starts; start += 1) {
    await using host = await serveIn(folder.path);
    times.push(host.readyMs);
    cpu.push(host.process.cpuMicros() / 1_000);
  }
  const list = (all: readonly number[]): string => all.map((ms) => ms.toFixed(0)).join(', ');
  console.log(`ready on ${what} after ${list(times)} ms, with ${list(cpu)} ms of CPU`);
  return Math.min(...times);
}

async function measureLists() {
  await using host = await serveIn(folder.path, { isInspected: true });
  const { client, heap, process: served } = host;
  const { count, times } = await walk(client);
  const before = (await heap?.keptBytes()) ?? Number.NaN;
  for (let round = 0; round < 2; round += 1) await walk(client);
  const growthMb = (((await heap?.keptBytes()) ?? Number.NaN) - before) / 1e6;
  const residentMb = served.residentBytes() / 1e6;
  const parts = [0, 1, 2, 3].map((part) => {
    const from = (times.length / 4) * part;
    return percentile(times.slice(from, from + times.length / 4), 0.5).toFixed(2);
  });
  const p50Ms = percentile(times, 0.5);
  console.log(
    `${times.length} pages of ${pageSize}: p50 ${p50Ms.toFixed(2)} ms, p99 ${percentile(times, 0.99).toFixed(2)} ms; ` +
      `by quarters, newest first: p50 ${parts.join(', ')} ms; kept ${(before / 1e6).toFixed(1)} MB, then ${growthMb.toFixed(1)} MB more; resident ${residentMb.toFixed(0)} MB`,
  );
  return { count, p50Ms, growthMb };
}

/** Lists page after page. */
async function walk(
  client: ModelHostClient,
): Promise<{ readonly count: number; readonly times: readonly number[] }> {
  const times: number[] = [];
  let count = 0;
  let pageToken = '';
  do {
    const start = performance.now();
    const page = await client.listRuns({ pageSize, pageToken });
    times.push(performance.now() - start);
    count += page.runs.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return { count, times };
}
