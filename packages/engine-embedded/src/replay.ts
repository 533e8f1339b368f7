import { createHash } from 'node:crypto';
import { HostError } from '@modelhost/kernel';
import type { RunEvent, RunProgram, RunReplay, RunResult } from '@modelhost/kernel';
import { eventSize } from './event-size.ts';
import type { Handover } from './journal/frame.ts';
import type { RunOrigin } from './run/live-run.ts';
import type { Performance } from './run/performance.ts';
import { rehearseAlone } from './run/rehearse-alone.ts';
import type { Turn } from './run/rehearse.ts';
import { mapInSlices } from './slices.ts';

/**
 * Tells the events of a run again, from its journal and its program alone: no body runs, and nothing is written. Throws
 * `failed_precondition` when the program does otherwise than is journaled.
 */
export async function replayRun(options: {
  readonly origin: RunOrigin;
  readonly program: RunProgram;
  readonly stepNamesMax: number;
  readonly turn: Turn;
}): Promise<RunReplay> {
  const { origin, turn } = options;
  const { journal, input, status } = origin;
  const now = (): number => status.createdAtMs;
  const rehearsal = await rehearseAlone({ ...options, journal, input, now });
  const { performance, told, problem, result } = rehearsal;
  performance.close();
  const finish = journal.handed.find((handover) => handover.kind === 'finish');
  const difference = problem ?? differenceOf(performance, result(), finish);
  if (difference !== undefined) {
    throw new HostError('failed_precondition', `the run cannot be replayed: ${difference}`);
  }
  const events = [...told.all(), ...lastEvent(finish)];
  return { events, digest: await digestOf(events, turn), recordedDigest: finish?.digest };
}

type Finish = Extract<Handover, { kind: 'finish' }>;

/** Whether the program gives another result now. One that is broken, or was ended by the engine, gives none that counts. */
function differenceOf(
  performance: Performance,
  result: RunResult | undefined,
  finish: Finish | undefined,
): string | undefined {
  if (result === undefined || finish === undefined || performance.fault() !== undefined) {
    return undefined;
  }
  const isLeft = [...performance.asks()].some(({ kind }) => kind === 'step');
  if (isLeft || JSON.stringify(result) === JSON.stringify(finish.result)) return undefined;
  return 'its program gives another result';
}

function lastEvent(finish: Finish | undefined): readonly RunEvent[] {
  if (finish === undefined) return [];
  const { sequence, timeMs, result } = finish;
  return [{ sequence, timeMs, step: '', body: { type: 'run-finished', result } }];
}

async function digestOf(events: readonly RunEvent[], turn: Turn): Promise<string> {
  const hash = createHash('sha256');
  const sizes = { sizeOf: ({ body }: RunEvent) => eventSize(body), turn };
  await mapInSlices(events, (event) => hash.update(JSON.stringify(event)), sizes);
  return hash.digest('hex');
}
