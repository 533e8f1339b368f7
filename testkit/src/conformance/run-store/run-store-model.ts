import assert from 'node:assert/strict';
import type { KeptRun, RunStore } from '@modelhost/engine-embedded';
import type { RunState } from '@modelhost/kernel';
import { HostError } from '@modelhost/kernel';
import { allUnfinished, bytesOf, change, newRun, textOf } from './store-bench.ts';

/** One thing that an engine does with a store. Runs go by letters, so that scripts hit the same ones again. */
export type StoreAction =
  | { readonly type: 'create'; readonly runId: string; readonly tenant: string }
  | {
      readonly type: 'write';
      readonly runId: string;
      readonly entries: readonly string[];
      /** How many events; negative ones would leave a hole, and are refused. */
      readonly events: number;
      readonly state: RunState | undefined;
    }
  | { readonly type: 'signal'; readonly runId: string; readonly name: string }
  | { readonly type: 'drop'; readonly runId: string; readonly upTo: number }
  | { readonly type: 'retain'; readonly runsMax: number; readonly isEventsOnly: boolean };

interface ModelRun {
  readonly runId: string;
  readonly tenant: string;
  state: RunState;
  finishedAtMs: number | undefined;
  status: string;
  lastSequence: number;
  readonly input: string;
  readonly entries: string[];
  events: { readonly first: number; readonly last: number; readonly text: string }[];
  readonly signals: Map<string, string>;
}

/** How many signals a run of a script takes. */
const signalsMax = 2;

/** What a store should hold, as simply as can be said. */
interface Model {
  /** In the order of creation. */
  runs: readonly ModelRun[];
  /** Moves with each action. */
  timeMs: number;
}

/** Does things to a store and to its model, and compares both. */
export interface ModelledStore {
  /** Does it in both, and compares what comes back. */
  perform(store: RunStore, action: StoreAction): Promise<void>;
  /** Compares all that can be read. */
  compare(store: RunStore): Promise<void>;
}

/** Beside a store with nothing in it. */
export function createRunStoreModel(): ModelledStore {
  const model: Model = { runs: [], timeMs: 0 };

  async function perform(store: RunStore, action: StoreAction): Promise<void> {
    model.timeMs += 1;
    switch (action.type) {
      case 'create':
        return create(model, store, action);
      case 'write':
        return write(model, store, action);
      case 'signal':
        return signal(model, store, action);
      case 'drop':
        return drop(model, store, action);
      case 'retain':
        return retain(model, store, action);
    }
  }

  return { perform, compare: (store) => compare(model, store) };
}

async function compare({ runs }: Model, store: RunStore): Promise<void> {
  const tenants = ['acme', 'other'];
  const lists = await Promise.all(tenants.map((tenant) => store.list(tenant, { limit: 100 })));
  for (const [index, list] of lists.entries()) {
    const expected = runs.filter(({ tenant }) => tenant === tenants[index]).toReversed();
    assert.deepEqual(list.map(toPlain), expected.map(toPlain));
  }
  const unfinished = runs.filter(({ state }) => state !== 'finished');
  assert.deepEqual((await allUnfinished(store, 2)).map(toPlain), unfinished.map(toPlain));
  await Promise.all(runs.map((run) => compareRun(store, run)));
}

function find({ runs }: Model, runId: string): ModelRun | undefined {
  return runs.find((run) => run.runId === runId);
}

async function create(
  model: Model,
  store: RunStore,
  { runId, tenant }: Extract<StoreAction, { type: 'create' }>,
): Promise<void> {
  const createdAtMs = model.timeMs;
  const run = newRun(runId, { tenant, createdAtMs, status: bytesOf(`new ${createdAtMs}`) });
  const input = `input ${createdAtMs}`;
  const { created } = await store.create(run, bytesOf(input));
  assert.equal(created, find(model, runId) === undefined);
  if (!created) return;
  model.runs = [...model.runs, newModelRun(runId, tenant, textOf(run.status), input)];
}

async function write(
  model: Model,
  store: RunStore,
  action: Extract<StoreAction, { type: 'write' }>,
): Promise<void> {
  const { timeMs } = model;
  const run = find(model, action.runId);
  const first = (run?.lastSequence ?? 0) + (action.events < 0 ? 2 : 1);
  const last = first + Math.abs(action.events) - 1;
  const text = `${first}-${last} at ${timeMs}`;
  const finishedAtMs = action.state === 'finished' ? timeMs : undefined;
  const outcome = store.write(
    change(action.runId, {
      entries: action.entries.map(bytesOf),
      ...(action.events !== 0 && {
        events: { firstSequence: first, lastSequence: last, payload: bytesOf(text) },
      }),
      ...(action.state !== undefined && {
        run: { state: action.state, finishedAtMs, status: bytesOf(`at ${timeMs}`) },
      }),
    }),
  );
  if (run === undefined || action.events < 0) {
    await assert.rejects(outcome, HostError);
    return;
  }
  await outcome;
  run.entries.push(...action.entries);
  if (action.events > 0) {
    run.events.push({ first, last, text });
    run.lastSequence = last;
  }
  if (action.state === undefined) return;
  run.state = action.state;
  run.finishedAtMs = finishedAtMs;
  run.status = `at ${timeMs}`;
}

async function signal(
  model: Model,
  store: RunStore,
  { runId, name }: Extract<StoreAction, { type: 'signal' }>,
): Promise<void> {
  const payload = `${name} at ${model.timeMs}`;
  const given = { name, payload: bytesOf(payload) };
  const outcome = await store.addSignal(runId, given, { signalsMax });
  const run = find(model, runId);
  assert.equal(outcome, expectedOutcome(run, name));
  if (outcome === 'added') run?.signals.set(name, payload);
}

async function drop(
  model: Model,
  store: RunStore,
  { runId, upTo }: Extract<StoreAction, { type: 'drop' }>,
): Promise<void> {
  const run = find(model, runId);
  if (run === undefined) return;
  await store.dropEvents(runId, upTo);
  run.events = run.events.filter(({ last }) => last > upTo);
}

async function retain(
  model: Model,
  store: RunStore,
  { runsMax, isEventsOnly }: Extract<StoreAction, { type: 'retain' }>,
): Promise<void> {
  const { timeMs } = model;
  const finished = model.runs
    .filter(({ finishedAtMs }) => finishedAtMs !== undefined)
    .toSorted((a, b) => (a.finishedAtMs ?? 0) - (b.finishedAtMs ?? 0));
  const gone = isEventsOnly ? [] : finished.slice(0, runsMax);
  const removed = await store.retain({
    runsFinishedBeforeMs: isEventsOnly ? 0 : timeMs + 1,
    eventsFinishedBeforeMs: isEventsOnly ? timeMs + 1 : 0,
    runsMax: isEventsOnly ? finished.length : runsMax,
  });
  assert.equal(removed.runs, gone.length);
  model.runs = model.runs.filter((run) => !gone.includes(run));
  if (!isEventsOnly) return;
  for (const run of finished) run.events = [];
}

function newModelRun(runId: string, tenant: string, status: string, input: string): ModelRun {
  return {
    runId,
    tenant,
    state: 'running',
    finishedAtMs: undefined,
    status,
    lastSequence: 0,
    input,
    entries: [],
    events: [],
    signals: new Map(),
  };
}

function expectedOutcome(run: ModelRun | undefined, name: string): string {
  if (run === undefined || run.state === 'finished') return 'gone';
  if (run.signals.has(name)) return 'known';
  return run.signals.size >= signalsMax ? 'full' : 'added';
}

async function compareRun(store: RunStore, expected: ModelRun): Promise<void> {
  const record = await store.read(expected.runId);
  assert.ok(record);
  assert.deepEqual(toPlain(record.run), toPlain(expected));
  assert.equal(textOf(record.input), expected.input);
  assert.deepEqual(record.entries.map(textOf), expected.entries);
  assert.deepEqual(
    record.signals.map(({ name, payload }) => [name, textOf(payload)]),
    [...expected.signals],
  );
  const read = await store.readEvents(expected.runId, { afterSequence: 0, bytesMax: 1_000_000 });
  assert.deepEqual(
    read.events.map(({ firstSequence: first, lastSequence: last, payload }) => ({
      first,
      last,
      text: textOf(payload),
    })),
    expected.events,
  );
  assert.equal(read.firstSequence, expected.events[0]?.first);
}

function toPlain(run: KeptRun | ModelRun): Readonly<Record<string, unknown>> {
  const { runId, tenant, state, finishedAtMs, lastSequence, status } = run;
  return {
    runId,
    tenant,
    state,
    finishedAtMs,
    lastSequence,
    status: typeof status === 'string' ? status : textOf(status),
  };
}
