/** Fills the data directory of a host with finished runs, through its store and sealed with its keys. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { agentLoopVersion } from '@modelhost/agent-core';
import { createSealingCodec, type RunCodec, type RunStore } from '@modelhost/engine-embedded';
import { loadKeys } from '@modelhost/keys-file';
import { openSqliteStore } from '@modelhost/store-sqlite';

/** What a directory is filled with. */
export interface Filling {
  readonly runs: number;
  /** One for each of its writes at least. */
  readonly eventsPerRun: number;
  /** Whose they are. */
  readonly tenant: string;
  readonly subject: string;
}

const runsInFlight = 256;
const writesPerRun = 2;
const hourMs = 3_600_000;

/** The runs finished over the last days, so that none is old enough to be removed. */
export async function fillDirectory(data: string, filling: Filling): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const path = join(data, 'master.key');
  const codec = createSealingCodec(await loadKeys({ path, environmentValue: undefined }));
  const store = await openSqliteStore({ directory: join(data, 'runs') });
  const startMs = Date.now() - 24 * hourMs;
  let next = 0;
  await Promise.all(
    Array.from({ length: runsInFlight }, async () => {
      while (next < filling.runs) {
        next += 1;
        await writeRun(store.runs, codec, { ...filling, number: next, startMs });
      }
    }),
  );
  await store.close();
}

async function writeRun(
  store: RunStore,
  codec: RunCodec,
  run: Filling & { readonly number: number; readonly startMs: number },
): Promise<void> {
  const { tenant, number, eventsPerRun } = run;
  const runId = `run_${randomBytes(20).toString('hex').slice(0, 26)}`;
  const createdAtMs = run.startMs + number * 100;
  const seal = (part: string, value: unknown): Uint8Array =>
    codec.encode(JSON.stringify(value), { tenant, runId, part });
  await store.create(
    {
      runId,
      tenant,
      state: 'running',
      createdAtMs,
      finishedAtMs: undefined,
      inputDigest: 'd'.repeat(64),
      programVersion: agentLoopVersion,
      status: seal('status', statusOf(run, undefined)),
    },
    seal('input', { input: { runId, text: 'x'.repeat(400) } }),
  );
  for (let write = 0; write < writesPerRun; write += 1) {
    const isLast = write === writesPerRun - 1;
    const first = Math.floor((write * eventsPerRun) / writesPerRun) + 1;
    const last = Math.floor(((write + 1) * eventsPerRun) / writesPerRun);
    const events = Array.from({ length: last - first + 1 }, (_, index) =>
      eventOf(first + index, createdAtMs, first + index === eventsPerRun),
    );
    await store.write({
      runId,
      entries: [
        seal(`entry/${write}`, { marks: events.flatMap((one) => [one.sequence, one.timeMs]) }),
      ],
      events: {
        firstSequence: first,
        lastSequence: last,
        payload: seal(`events/${first}`, events),
      },
      run: isLast
        ? {
            state: 'finished',
            finishedAtMs: createdAtMs + 50,
            status: seal('status', statusOf(run, result)),
          }
        : undefined,
    });
  }
}

function statusOf({ tenant, subject }: Filling, ended: typeof result | undefined): object {
  return {
    principal: { tenant, subject, roles: [] },
    agent: 'helper',
    agentVersion: '1',
    metadata: {},
    waitingFor: [],
    result: ended,
  };
}

function eventOf(sequence: number, timeMs: number, isLast: boolean) {
  const body = isLast
    ? { type: 'run-finished', result }
    : { type: 'text-delta', text: 'Some words of an answer. ' };
  return { sequence, timeMs, step: isLast ? '' : 'turn-1/model', body };
}

const result = {
  ending: { reason: 'completed', answer: 'Some words of an answer.' },
  statistics: {
    modelCalls: 1,
    toolCalls: 0,
    toolCallsDenied: 0,
    approvals: 0,
    inputTokens: 100,
    outputTokens: 20,
    costMicroUsd: 10,
    tokensOverrun: 0,
    durationMs: 50,
  },
} as const;
