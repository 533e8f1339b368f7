/**
 * Our gateway against a hand-written relay, the SDK's own and the gateways of others, in one run: `npm run bench:mcp`.
 * `[-- --rounds 3 --seconds 3 --without-peers]`. Exits with 1 when a limit is not held.
 */
import { existsSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readCount } from '@modelhost/timing';
import { median, percentile } from '../figures.ts';
import { canPin, cpus, pinSelf, startProcess, unpinSelf, type BenchProcess } from '../processes.ts';
import { describeMachine } from '../report.ts';
import { createModernCaller, type Caller } from './callers.ts';
import { startMcpHost } from './host.ts';
import { openInProcess } from './in-process.ts';
import { startPeers } from './peers.ts';
import * as report from './report.ts';
import { measureCalls, type CallRow, type CallSubject } from './rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    'without-peers': { type: 'boolean', default: false },
  },
});
const timing = {
  rounds: readCount('--rounds', values.rounds),
  durationMs: readCount('--seconds', values.seconds) * 1_000,
  warmupMs: 2_000,
};
const manyCallers = 64;
/** For what runs a whole host's code: it takes longer until all of it is compiled, and that is not what a call costs. */
const longWarmupMs = 8_000;
const bigCatalogue = 500;
/** A file system without a disk, where there is one. */
const memoryFolder = '/dev/shm';

const isPinned = canPin();
const onLoad = { cpu: cpus.load, isPinned };
const onMeasured = { cpu: cpus.measured, isPinned };
if (isPinned) pinSelf();

await using folder = await mkdtempDisposable(join(tmpdir(), 'bench-mcp-'));
await using opened = new AsyncDisposableStack();
const processScript = fileURLToPath(new URL('process-main.ts', import.meta.url));
const start = (
  place: { readonly cpu: number; readonly isPinned: boolean },
  ...args: readonly string[]
): BenchProcess => opened.use(startProcess([processScript, ...args], place));

const raw = await urlOf(start(onLoad, 'raw', '1'));
const big = await urlOf(start(onLoad, 'raw', String(bigCatalogue)));
const relay = start(onMeasured, 'relay', new URL(raw).origin);
const naive = start(onMeasured, 'naive', raw);
const ours = start(onMeasured, 'gateway', raw, big);
const oursUrl = await urlOf(ours);

const host = await startMcpHost(raw, folder.path, onMeasured);
opened.use(host.process);
const others = values['without-peers'] ? [] : await startOthers();

const subjects: readonly CallSubject[] = [
  { name: 'no gateway', call: callerOf(raw).call },
  subjectOf('hand-written relay', relay, callerOf(await urlOf(relay))),
  subjectOf('naive SDK gateway', naive, callerOf(await urlOf(naive))),
  subjectOf('our gateway', ours, callerOf(oursUrl)),
  subjectOf('model-host', host.process, callerOf(host.url, host.authorization)),
  ...others,
];

console.log(describeMachine(isPinned));
console.log(`medians of ${timing.rounds} interleaved rounds of ${values.seconds} s`);
console.log('model-host: our gateway in the whole host, with API keys, policy and durable audit\n');
const alone = await measureCalls(subjects, { callers: 1, ...timing });
const many = await measureCalls(subjects, {
  callers: manyCallers,
  ...timing,
  warmupMs: longWarmupMs,
});
console.log(`${report.describeGateways(alone, many)}\n`);

// A host and its tool server have a CPU each. Where commits cost next to nothing, what the host itself costs is seen; on the
// disk, what a call takes.
if (isPinned) unpinSelf();
const inside = await measureInside(existsSync(memoryFolder) ? memoryFolder : tmpdir());
console.log(`${report.describeInProcess('inside the process, audit in memory', inside)}\n`);
const onDisk = await measureInside(folder.path);
console.log(`${report.describeInProcess('inside the process, audit on disk', onDisk)}\n`);
const listP50Ms = await measureList(callerOf(`${oursUrl}/big`));

const verdicts = [...judgeGateways(), judgeInProcess(), judgeList()];
for (const { text } of verdicts) console.log(text);
if (verdicts.some(({ isHeld }) => !isHeld)) process.exitCode = 1;

async function measureInside(parent: string): Promise<readonly CallRow[]> {
  await using files = await mkdtempDisposable(join(parent, 'bench-inside-'));
  await using inProcess = await openInProcess(
    process.execPath,
    [processScript, 'echo'],
    files.path,
  );
  return await measureCalls(inProcess.subjects, {
    callers: 1,
    ...timing,
    warmupMs: longWarmupMs,
  });
}

async function startOthers(): Promise<readonly CallSubject[]> {
  const sdk = start(onLoad, 'sdk');
  const peers = await startPeers({
    folder: folder.path,
    upstreamUrl: await urlOf(sdk),
    stdioCommand: [process.execPath, processScript, 'echo'],
    ...onMeasured,
  });
  for (const peer of peers) opened.use(peer);
  return peers.map(({ name, caller, cpuMicros }) => ({ name, call: caller.call, cpuMicros }));
}

function judgeGateways() {
  const our = find(many, 'our gateway');
  const ofNaive = report.ratioOf(our, find(many, 'naive SDK gateway'), 'cpuMicrosPerCall');
  const floor = find(alone, 'no gateway');
  const added = report.addedMs(find(alone, 'our gateway'), floor);
  const addedByRelay = report.addedMs(find(alone, 'hand-written relay'), floor);
  return [
    report.verdict('CPU per call of the naive gateway, x', ofNaive, report.limits.cpuOfNaiveMax),
    ...others.map(({ name }) =>
      report.verdict(
        `CPU per call of ${name}, x`,
        report.ratioOf(our, find(many, name), 'cpuMicrosPerCall'),
        1,
      ),
    ),
    report.verdict(
      'added p50 of the hand-written relay, x',
      added / addedByRelay,
      report.limits.addedOfRelayMax,
    ),
  ];
}

/** What the governed call takes beyond the disk's share, against the bare client. */
function judgeInProcess() {
  const [bare, committed, governed] = inside.map((row) => row.rounds.map(({ p50Ms }) => p50Ms));
  const ratios = (bare ?? []).map((bareMs, round) => {
    const diskMs = (committed?.[round] ?? Number.NaN) - bareMs;
    return ((governed?.[round] ?? Number.NaN) - diskMs) / bareMs;
  });
  return report.verdict(
    'p50 of the SDK client inside, net of the commit, x',
    median(ratios),
    report.limits.inProcessMax,
  );
}

function judgeList() {
  return report.verdict(
    `p50 ms of a list of ${bigCatalogue} tools`,
    listP50Ms,
    report.limits.listP50MsMax,
  );
}

async function measureList(caller: Caller): Promise<number> {
  const count = await caller.list();
  if (count !== bigCatalogue) throw new Error(`the list has ${count} tools`);
  const times: number[] = [];
  for (let at = 0; at < 500; at += 1) {
    const from = performance.now();
    await caller.list();
    times.push(performance.now() - from);
  }
  // The first hundred warm up.
  return percentile(times.slice(100), 0.5);
}

function find(rows: readonly CallRow[], name: string): CallRow {
  const found = rows.find((row) => row.name === name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
}

function subjectOf(name: string, process: BenchProcess, { call }: Caller): CallSubject {
  return { name, call, cpuMicros: process.treeCpuMicros };
}

function callerOf(url: string, authorization?: string): Caller {
  const credential = authorization === undefined ? {} : { authorization };
  const caller = createModernCaller({ url, tool: 'echo', ...credential });
  opened.defer(caller.close);
  return caller;
}

async function urlOf(process: BenchProcess): Promise<string> {
  const [, port] = await process.printed(/^port (\d+)$/m);
  return `http://127.0.0.1:${port}/mcp`;
}
