import assert from 'node:assert/strict';
import type { RunEvent, RunStatus } from '@modelhost/kernel';
import { createRunInput } from '../../run-input.ts';
import type { VirtualClock } from '../../virtual-clock.ts';
import { defaultBounds } from '../workbench.ts';
import type { EngineUnderTest } from '../workbench.ts';
import { createSeen, flatten, planProgram, wholeText } from './plan.ts';
import type { Action, Seen } from './plan.ts';
import type { DurableWorld, OpenOptions } from './world.ts';

/** What came of a planned run, over all processes that it lived in. */
export interface Driven {
  readonly status: RunStatus;
  /** What one follower saw, coming back after each crash for what followed on. */
  readonly followed: readonly RunEvent[];
  /** What is kept in the end. */
  readonly events: readonly RunEvent[];
  readonly seen: Seen;
  /** Names of the signals that were acknowledged. */
  readonly accepted: ReadonlySet<string>;
  /** How many processes were killed. */
  readonly crashes: number;
  readonly engine: EngineUnderTest;
}

/** What a run is driven through. */
export interface DriveOptions {
  readonly world: DurableWorld;
  readonly clock: VirtualClock;
  readonly plan: readonly Action[];
  /** At which change each process is killed; the one after the last lives. */
  readonly crashesAt: readonly number[];
  readonly parkAfterMs: number;
  /** When somebody cancels the run; absent for never. */
  readonly cancelAfterMs?: number;
}

/** Time that passes at once, and how often; no plan takes longer. */
const paceMs = 10;
const pacesMax = 3_000;

/** Drives a run to its end, through processes that are killed. Whatever a client does it does again when it was not told that it counts. */
export async function driveRun(options: DriveOptions): Promise<Driven> {
  const { world, clock, plan, crashesAt } = options;
  const seen = createSeen();
  const followed: RunEvent[] = [];
  const accepted = new Set<string>();
  const openOptions: OpenOptions = {
    programs: { '1': planProgram(plan, seen) },
    current: '1',
    bounds: { ...defaultBounds, parkAfterMs: options.parkAfterMs },
  };
  const startedMs = clock.now();
  let engine: EngineUnderTest | undefined;
  let crashes = 0;
  for (const crashAt of [...crashesAt, undefined]) {
    engine = await world.open({ ...openOptions, ...(crashAt === undefined ? {} : { crashAt }) });
    const process = { isAlive: true };
    const died = world.died().then(() => {
      process.isAlive = false;
      return false;
    });
    const client = { ...options, engine, followed, accepted, startedMs, process };
    const isOver = await Promise.race([useRun(client), died]);
    if (isOver) break;
    crashes += 1;
    await clock.settle();
  }
  assert.ok(engine !== undefined);
  const status = await engine.status('acme', 'run_1');
  assert.ok(status?.state === 'finished', 'the run is finished');
  const { signal } = new AbortController();
  const kept = engine.follow('acme', 'run_1', { afterSequence: 0, signal });
  const events = await Array.fromAsync(kept);
  return { status, followed, events, seen, accepted, crashes, engine };
}

interface Client extends DriveOptions {
  readonly engine: EngineUnderTest;
  readonly followed: RunEvent[];
  readonly accepted: Set<string>;
  readonly startedMs: number;
  readonly process: { readonly isAlive: boolean };
}

/** Starts the run, follows it, answers it; true once it is finished. */
async function useRun(client: Client): Promise<boolean> {
  const { engine, clock, followed, process } = client;
  const starting = engine.start(createRunInput({}));
  const following = starting.then(async () => {
    const afterSequence = followed.at(-1)?.sequence ?? 0;
    const { signal } = new AbortController();
    for await (const event of engine.follow('acme', 'run_1', { afterSequence, signal })) {
      followed.push(event);
    }
  });
  for (let paces = 0; paces < pacesMax; paces += 1) {
    await clock.advance(paceMs);
    if (!process.isAlive) return false;
    const status = await engine.status('acme', 'run_1');
    if (status?.state === 'finished') {
      await following;
      return true;
    }
    if (status !== undefined) await act(client, status);
  }
  throw new Error(`the run did not end in ${pacesMax * paceMs} ms`);
}

/** What people do about a run at this moment. */
async function act(client: Client, { waitingFor }: RunStatus): Promise<void> {
  const { engine, clock, plan, accepted, cancelAfterMs, startedMs } = client;
  if (cancelAfterMs !== undefined && clock.now() >= startedMs + cancelAfterMs) {
    await engine.cancel('acme', 'run_1', 'ann');
  }
  for (const { name, sinceMs } of waitingFor) {
    const asked = flatten(plan).find((action) => action.type === 'wait' && action.name === name);
    if (asked?.type !== 'wait' || asked.answerAfterMs === null) continue;
    if (clock.now() < sinceMs + asked.answerAfterMs) continue;
    const payload = { type: 'tool-result', content: 'yes', isError: false } as const;
    const answer = await engine.signal('acme', 'run_1', name, payload);
    if (answer.accepted) accepted.add(name);
  }
}

/** Law L12: from its journal alone the run tells the same events, byte for byte. */
export async function assertReplays({ engine, events }: Driven): Promise<void> {
  const replayed = await engine.replay('acme', 'run_1');
  assert.equal(JSON.stringify(replayed.events), JSON.stringify(events));
  assert.equal(replayed.digest, replayed.recordedDigest);
}

/** What must hold of every run, however often its host was killed. */
export function assertDurable(driven: Driven, plan: readonly Action[]): void {
  const { status, followed, events, seen, accepted } = driven;
  assert.deepEqual(seen.violations, []);
  assert.deepEqual(
    events.map(({ sequence }) => sequence),
    events.map((_, index) => index + 1),
  );
  assert.equal(status.lastSequence, events.length);
  assert.deepEqual(followed, events, 'a follower saw what is kept, each once');
  assert.equal(events.filter(({ body }) => body.type === 'run-finished').length, 1);
  const { ending } = status.result ?? {};
  const log = ending?.reason === 'completed' ? ending.answer.split(' ') : [];
  for (const name of accepted) {
    if (ending?.reason === 'completed') assert.ok(log.includes(`${name}:yes`), `${name} counts`);
  }
  const texts = textsOf(events);
  for (const action of flatten(plan)) {
    if (action.type !== 'step') continue;
    const outcome = log.find((line) => line.startsWith(`${action.name}:`))?.split(':')[1];
    // One that was interrupted for good has told a part of it.
    if (outcome === undefined || outcome === 'unknown' || outcome === 'internal') continue;
    assert.equal(texts.get(action.name) ?? '', wholeText(action), `the text of ${action.name}`);
  }
}

/** What a client shows of each step. */
function textsOf(events: readonly RunEvent[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { step, body } of events) {
    if (body.type === 'step-reset') texts.set(step, '');
    if (body.type === 'text-delta') texts.set(step, `${texts.get(step) ?? ''}${body.text}`);
  }
  return texts;
}
