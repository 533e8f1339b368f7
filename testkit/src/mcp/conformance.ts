/**
 * The official conformance suite against our façade and our connector: `npm run conformance:mcp [-- --only modern-http]`.
 * Every upstream is the fixture in `everything/`, of either era, over HTTP and stdio. Exits with 1 when anything that is
 * required fails, when a request did not reach the upstream, or when a scenario is missing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { answeredByFacade, missingArrivals, readArrivals } from './conformance/arrivals.ts';
import { describeRun, judge, type Run } from './conformance/judge.ts';
import { runSuite, type Revision } from './conformance/suite.ts';
import { startThrough, upstreamKinds, type UpstreamKind } from './conformance/through.ts';

const { values } = parseArgs({
  options: { only: { type: 'string' }, verbose: { type: 'boolean', default: false } },
});
const revisions: readonly Revision[] = ['2026-07-28', '2025-11-25'];
const driver = fileURLToPath(new URL('conformance-driver.ts', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
const start = performance.now();
let isGood = true;
try {
  for (const kind of upstreamKinds) {
    if (values.only !== undefined && values.only !== kind) continue;
    // Two at a time: the suite spends most of a run waiting.
    const runs = revisions.map((revision) => runThrough(kind, revision));
    for (const run of await Promise.all(runs)) report(run);
  }
  if (values.only === undefined || values.only === 'client') {
    for (const revision of revisions) report(await runClient(revision));
  }
} finally {
  await rm(folder, { recursive: true });
}
console.log(`the façade answers itself: ${Object.keys(answeredByFacade).join(', ')}`);
console.log(`${((performance.now() - start) / 1_000).toFixed(0)} s`);
if (!isGood) process.exitCode = 1;

async function runThrough(kind: UpstreamKind, revision: Revision): Promise<Run> {
  const directory = await mkdtemp(join(folder, 'server-'));
  await using through = await startThrough(kind);
  const run = await runSuite({ mode: 'server', url: through.url }, revision, directory);
  const missing = missingArrivals(run.scenarios, readArrivals(through.requestsPath));
  return { ...run, name: kind, mode: 'server', revision, missing };
}

async function runClient(revision: Revision): Promise<Run> {
  const directory = await mkdtemp(join(folder, 'client-'));
  const command = `${process.execPath} ${driver}`;
  const run = await runSuite({ mode: 'client', command }, revision, directory);
  return { ...run, name: 'connector', mode: 'client', revision, missing: [] };
}

function report(run: Run): void {
  const problems = judge(run);
  if (problems.length > 0) isGood = false;
  console.log(describeRun(run));
  for (const problem of problems) console.log(`    ${problem}`);
  if (values.verbose) console.log(run.output);
}
