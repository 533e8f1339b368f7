/**
 * Runs that wait for an approval, outside memory, and go on in the next host: `npm run prove:parked [-- --runs 500 --seconds 10]`.
 * Exits with 1 when they cost too much or do not all finish.
 */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RunEndReason, RunState } from '@modelhost/contracts';
import type { ModelHostClient } from '@modelhost/sdk';
import { readCount } from '@modelhost/timing';
import { median } from '../figures.ts';
import { describeMachine } from '../report.ts';
import { prepareHost, serveIn, type ServedHost } from './served-host.ts';
import { verdict } from './verdict.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '10' },
  },
});
const runs = readCount('--runs', values.runs);
const watchedMs = readCount('--seconds', values.seconds) * 1_000;
const limits = { growthMbMax: 50, cpuMsPerSecondMax: 5 } as const;
/** Longer than the hosts here keep a run in memory that only waits. */
const settleMs = 4_000;
/** Parts of the time that is watched. */
const spans = 5;
const callsInFlight = 32;

await using folder = await mkdtempDisposable(join(tmpdir(), 'prove-parked-'));
await prepareHost(folder.path);
console.log(describeMachine());
const first = await park();
const finished = await finishAll(first.runIds);

const verdicts = [
  verdict(
    `growth of what is kept with ${runs} parked runs, MB`,
    first.growthMb,
    limits.growthMbMax,
  ),
  verdict(
    `CPU of a host with ${runs} parked runs, ms per second, beyond an idle one`,
    first.cpuMsPerSecond - first.idleCpuMsPerSecond,
    limits.cpuMsPerSecondMax,
  ),
  verdict('runs that did not complete', runs - finished, 0),
];
for (const { text } of verdicts) console.log(text);
if (verdicts.some(({ isHeld }) => !isHeld)) process.exitCode = 1;

async function park() {
  await using host = await serveIn(folder.path, { isInspected: true });
  // An idle host is one that has worked: what as many runs load, compile and leave behind is there already.
  const warm = await startRuns(host.client, runs);
  await inTurn(warm, async (runId) => answer(host.client, runId));
  const idle = await watch(host);
  console.log(`idle: ${describe(idle)}`);
  const runIds = await startRuns(host.client, runs);
  const parked = await watch(host);
  console.log(`${runs} runs wait: ${describe(parked)}`);
  return {
    runIds,
    growthMb: parked.keptMb - idle.keptMb,
    cpuMsPerSecond: parked.cpuMsPerSecond,
    idleCpuMsPerSecond: idle.cpuMsPerSecond,
  };
}

/** Gives how many completed. */
async function finishAll(runIds: readonly string[]): Promise<number> {
  await using host = await serveIn(folder.path, { isInspected: true });
  console.log(`the next host is ready after ${host.readyMs.toFixed(0)} ms`);
  const loaded = await watch(host);
  console.log(`${runs} runs wait in it: ${describe(loaded)}`);
  let completed = 0;
  const start = performance.now();
  await inTurn(runIds, async (runId) => {
    const reason = await answer(host.client, runId);
    if (reason === RunEndReason.COMPLETED) completed += 1;
  });
  const seconds = (performance.now() - start) / 1_000;
  console.log(`approved and finished: ${completed} of ${runs} in ${seconds.toFixed(1)} s`);
  return completed;
}

/** Starts runs and resolves once each of them waits. */
async function startRuns(client: ModelHostClient, count: number): Promise<readonly string[]> {
  const tool = { name: 'pay', description: 'Pays.', inputSchemaJson: '{"type":"object"}' };
  const runIds: string[] = [];
  await inTurn(Array.from({ length: count }), async () => {
    const input = [{ part: { case: 'text', value: { text: 'pay' } } } as const];
    const { runId } = await client.startRun({ agent: 'helper', input, clientTools: [tool] });
    await waiting(client, runId, 'approvalId');
    runIds.push(runId);
  });
  return runIds;
}

/** Says yes, gives the result, and resolves with how the run ended. */
async function answer(client: ModelHostClient, runId: string): Promise<RunEndReason | undefined> {
  const approvalId = await waiting(client, runId, 'approvalId');
  await client.resolveApproval({ runId, approvalId, approved: true });
  const callId = await waiting(client, runId, 'toolCallId');
  await client.submitToolResult({ runId, callId, content: 'paid' });
  for await (const { event } of client.followRun(runId)) {
    if (event.case === 'runFinished') return event.value.result?.reason;
  }
  return undefined;
}

/** Resolves with the id that a run waits for. */
async function waiting(
  client: ModelHostClient,
  runId: string,
  kind: 'approvalId' | 'toolCallId',
): Promise<string> {
  for (;;) {
    const { waitingFor, state } = await client.getRun(runId);
    const [signal] = waitingFor.flatMap((one) => (one.signal.case === kind ? one.signal : []));
    if (signal !== undefined) return signal.value;
    if (state === RunState.FINISHED) throw new Error(`the run ${runId} has ended`);
    await delay(20);
  }
}

interface Cost {
  /** What is left when everything that nobody needs is collected. */
  readonly keptMb: number;
  readonly residentMb: number;
  readonly cpuMsPerSecond: number;
  /** In the worst part of the time. */
  readonly cpuMsPerSecondMax: number;
}

/** What a host costs that nobody asks anything. */
async function watch({ process: host, heap }: ServedHost): Promise<Cost> {
  await delay(settleMs);
  // Collected beforehand: else the engine does so some seconds later, in the middle of what is measured.
  const keptMb = ((await heap?.keptBytes()) ?? Number.NaN) / 1e6;
  await delay(settleMs);
  const perSecond: number[] = [];
  for (let span = 0; span < spans; span += 1) {
    const before = host.cpuMicros();
    await delay(watchedMs / spans);
    perSecond.push((host.cpuMicros() - before) / (watchedMs / spans));
  }
  // The engine's own last collection falls into one of them, or none; what costs something all the time is in each.
  return {
    keptMb,
    residentMb: host.residentBytes() / 1e6,
    cpuMsPerSecond: median(perSecond),
    cpuMsPerSecondMax: Math.max(...perSecond),
  };
}

function describe({ keptMb, residentMb, cpuMsPerSecond, cpuMsPerSecondMax }: Cost): string {
  const memory = `${keptMb.toFixed(1)} MB kept, ${residentMb.toFixed(1)} MB resident`;
  const cpu = `${cpuMsPerSecond.toFixed(2)} ms of CPU per second, ${cpuMsPerSecondMax.toFixed(2)} in the worst part`;
  return `${memory}, ${cpu}`;
}

async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: callsInFlight }, async () => {
      for (const item of left) await work(item);
    }),
  );
}
