import assert from 'node:assert/strict';
import type { KeptRun, RunStore, RunWrite } from '@modelhost/engine-embedded';
import { HostError } from '@modelhost/kernel';

/** Rules by what they say. Each gets a store with nothing in it. */
export type StoreRules = Readonly<Record<string, (store: RunStore) => Promise<void>>>;

/** A run as it is created. */
export type NewRun = Omit<KeptRun, 'ordinal' | 'lastSequence'>;

/** Bytes of a text, as a view in the middle of others: a store must keep these alone. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(`<${text}>`);
  return bytes.subarray(1, bytes.length - 1);
}

/** The text again. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** A run of the tenant `acme` that runs since second 1. */
export function newRun(runId: string, changes: Partial<NewRun> = {}): NewRun {
  return {
    runId,
    tenant: 'acme',
    state: 'running',
    createdAtMs: 1_000,
    finishedAtMs: undefined,
    inputDigest: `digest of ${runId}`,
    programVersion: '1',
    status: bytesOf(`status of ${runId}`),
    ...changes,
  };
}

/** A write of one run that changes nothing but what is given. */
export function change(runId: string, changes: Partial<RunWrite> = {}): RunWrite {
  return { runId, entries: [], events: undefined, run: undefined, ...changes };
}

/** A write that ends a run. */
export function finish(runId: string, finishedAtMs: number): RunWrite {
  const status = bytesOf(`${runId} at ${finishedAtMs}`);
  return change(runId, { run: { state: 'finished', finishedAtMs, status } });
}

/** A write of events whose payload says which they are. */
export function events(runId: string, firstSequence: number, lastSequence: number): RunWrite {
  const payload = bytesOf(`${firstSequence}-${lastSequence}`);
  return change(runId, { events: { firstSequence, lastSequence, payload } });
}

/** Creates runs one after the other. */
export async function createRuns(
  store: RunStore,
  ...runs: readonly (string | NewRun)[]
): Promise<void> {
  for (const run of runs) {
    const { status, ...rest } = typeof run === 'string' ? newRun(run) : run;
    // oxlint-disable-next-line no-await-in-loop -- in this order
    await store.create({ ...rest, status }, bytesOf(`input of ${rest.runId}`));
  }
}

/** Entries of a run, as texts. */
export async function entriesOf(store: RunStore, runId: string): Promise<readonly string[]> {
  return (await store.read(runId))?.entries.map(textOf) ?? [];
}

/** What events of a run are kept, as `first-last`. */
export async function eventsOf(store: RunStore, runId: string): Promise<readonly string[]> {
  const read = await store.readEvents(runId, { afterSequence: 0, bytesMax: 1_000_000 });
  return read.events.map(({ payload }) => textOf(payload));
}

/** Every run that is not finished, page by page. */
export async function allUnfinished(store: RunStore, limit = 100): Promise<readonly KeptRun[]> {
  const runs: KeptRun[] = [];
  for (;;) {
    const afterOrdinal = runs.at(-1)?.ordinal ?? 0;
    // oxlint-disable-next-line no-await-in-loop -- a page begins where the last ended
    const page = await store.unfinished({ afterOrdinal, limit });
    if (page.length === 0) return runs;
    runs.push(...page);
  }
}

/** Ends and removes all runs. */
export async function emptyStore(store: RunStore): Promise<void> {
  const unfinished = await allUnfinished(store);
  await Promise.all(unfinished.map(({ runId }) => store.write(finish(runId, 0))));
  const all = Number.MAX_SAFE_INTEGER;
  await store.retain({ runsFinishedBeforeMs: all, eventsFinishedBeforeMs: all, runsMax: all });
  assert.deepEqual(await allUnfinished(store), []);
}

/** Fails unless the promise rejects with this code, and this reason where one is named. */
export async function assertRejects(
  promise: Promise<unknown>,
  code: HostError['code'],
  reason?: string,
): Promise<void> {
  await assert.rejects(promise, (thrown) => {
    assert.ok(thrown instanceof HostError, String(thrown));
    assert.equal(thrown.code, code);
    if (reason !== undefined) assert.equal(thrown.facts['reason'], reason);
    return true;
  });
}
