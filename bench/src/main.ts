/**
 * The host against a bare gRPC byte pipe, in front of the same local provider, in one run. Writes nothing.
 * `npm run bench -- [--full] [--rounds 3] [--seconds 3] [--ratio-max 2]`
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readCount } from '@modelhost/timing';
import { Pool } from 'undici';
import { createGrpcClient } from './grpc-client.ts';
import { startHost } from './host.ts';
import { measurePoint, type Row, type Subject } from './measure.ts';
import type { Pace } from './mock-provider.ts';
import { canPin, cpus, pinSelf, startProcess } from './processes.ts';
import { cpuRatio, describeMachine, describeRows, heading } from './report.ts';
import { directTarget, hostTarget, pipeTarget } from './targets.ts';

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    'ratio-max': { type: 'string', default: '2' },
  },
});
const streamCounts = values.full ? [1, 8, 32, 64] : [1, 8, 32];
const ratioMax = Number(values['ratio-max']);
const timing = {
  rounds: readCount('--rounds', values.rounds),
  durationMs: readCount('--seconds', values.seconds) * 1_000,
  warmupMs: 3_000,
};

/** Long enough to see the first token come at its time, short enough for many streams. */
const paced: Pace = { tokens: 20, intervalMs: 10 };
/** As fast as the provider writes: the CPU of what stands between is the bound. */
const burst: Pace = { tokens: 200, intervalMs: 0 };
/** One token: what a run costs beside its tokens. */
const short: Pace = { tokens: 1, intervalMs: 0 };

const isPinned = canPin();
const onMeasuredCpu = { cpu: cpus.measured, isPinned };
if (isPinned) pinSelf();

await using provider = startProcess([script('process-main.ts'), 'mock'], {
  cpu: cpus.load,
  isPinned,
});
const providerPort = await portOf(provider);
await using pipe = startProcess([script('process-main.ts'), 'pipe', providerPort], onMeasuredCpu);
const pipeClient = createGrpcClient(Number(await portOf(pipe)));
await using host = await startHost({
  providerPort: Number(providerPort),
  paces: [paced, short, burst],
  ...onMeasuredCpu,
});
const hostClient = createGrpcClient(host.port);
const pool = new Pool(`http://127.0.0.1:${providerPort}`, { connections: 256, pipelining: 1 });

const direct: Subject = { name: 'direct', target: (pace) => directTarget(pool, pace) };
const between: readonly Subject[] = [
  { name: 'pipe', target: (pace) => pipeTarget(pipeClient, pace), cpuMicros: pipe.cpuMicros },
  {
    name: 'host',
    target: (pace) => hostTarget(hostClient, pace, host.apiKey),
    cpuMicros: host.cpuMicros,
  },
];

console.log(describeMachine(isPinned));
console.log(
  `medians of ${timing.rounds} interleaved rounds of ${values.seconds} s after 3 s of warm-up`,
);
console.log('host: authentication, policy, budgets and audit on\n');
console.log(`paced, ${paced.tokens} tokens a stream, ${paced.intervalMs} ms apart\n${heading}`);
await measureAll([direct, ...between], paced);
console.log(`\nat saturation, one token a stream: CPU for a token is CPU for a run\n${heading}`);
await measureAll(between, short);
console.log(`\nat saturation, ${burst.tokens} tokens a stream, as fast as they come\n${heading}`);
const saturated = await measureAll(between, burst);
pipeClient.close();
hostClient.close();
await pool.close();
judge(saturated);

/** Prints each point as it is done; gives the rows of the last, with the most streams. */
async function measureAll(subjects: readonly Subject[], pace: Pace): Promise<readonly Row[]> {
  let rows: readonly Row[] = [];
  for (const streams of streamCounts) {
    rows = await measurePoint(subjects, { pace, streams, ...timing });
    console.log(describeRows(streams, rows));
  }
  return rows;
}

function judge(rows: readonly Row[]): void {
  const hostRow = rows.find(({ name }) => name === 'host');
  const ratio = hostRow === undefined ? Number.NaN : cpuRatio(hostRow, rows);
  const isHeld = ratio <= ratioMax;
  console.log(
    `\n${isHeld ? 'held' : 'NOT HELD'}: CPU per token of the host is ${ratio.toFixed(2)} x the pipe at saturation; at most ${ratioMax}`,
  );
  if (!isHeld) process.exitCode = 1;
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

async function portOf(process: ReturnType<typeof startProcess>): Promise<string> {
  const [, port] = await process.printed(/^port (\d+)$/m);
  return port ?? '';
}
