import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError, noStatistics } from '@modelhost/kernel';
import type { Clock, RunProgram, RunResult, RunStatus } from '@modelhost/kernel';
import { createPlainCodec } from './codec.ts';
import type { RunCodec } from './codec.ts';
import { createEmbeddedEngine } from './engine.ts';
import type { EmbeddedEngine } from './engine.ts';
import { inputOf } from './fixtures/run-input.ts';
import { createMemoryRunStore } from './memory-run-store.ts';
import type { RunStore } from './run-store.ts';

const done: RunResult = {
  ending: { reason: 'completed', answer: 'done' },
  statistics: noStatistics,
};
const clock: Clock = { now: () => 1_000, setTimer: () => () => {} };
const corrupt = { reason: 'corrupt' };
const usage = { inputTokens: 7, outputTokens: 5, cachedInputTokens: 0, reasoningTokens: 0 };
const spent = { ...noStatistics, modelCalls: 1, inputTokens: 7, outputTokens: 5, costMicroUsd: 3 };
/** Tells something, and waits for what never comes. */
const waiting: RunProgram = async (run) => {
  run.emit('', { type: 'text-delta', text: 'one moment' });
  run.emit('', { type: 'usage', model: 'm', usage, costMicroUsd: 3, spent });
  await run.waitForSignal('answered', { timeoutMs: 30_000, approvers: [] });
  return done;
};

for (const part of ['input', 'entry/0', 'status']) {
  test(`a run whose ${part} is damaged is ended, and says why`, async () => {
    const store = await keepWaitingRun();
    const ended = Promise.withResolvers<RunStatus>();
    const engine = await openEngine(store, breaking([part]), ended.resolve);
    const told = await ended.promise;
    assert.equal(told.state, 'finished');
    const status = await engine.status('acme', 'run_1');
    assert.deepEqual(status, told);
    assert.deepEqual(errorOf(status), { code: 'storage_unavailable', facts: corrupt });
    assert.deepEqual(status?.result?.statistics, spent);
    // Who started it is known as long as one of the two that say so opens.
    assert.equal(status?.principal.subject, 'ann');
    assert.equal(await engine.cancel('acme', 'run_1', 'ann'), false);
    const payload = { type: 'tool-result', content: '', isError: false } as const;
    assert.deepEqual(await engine.signal('acme', 'run_1', 'answered', payload), {
      accepted: false,
    });
    const { signal } = new AbortController();
    const { lastSequence } = told;
    const followed = { afterSequence: lastSequence - 1, signal };
    const [last, ...none] = await Array.fromAsync(engine.follow('acme', 'run_1', followed));
    assert.deepEqual(none, []);
    assert.deepEqual(last?.body, { type: 'run-finished', result: told.result });
    await engine.close();
  });
}

test('a run of which nothing opens is ended too, and shown by what its row tells', async () => {
  const store = await keepWaitingRun();
  const ended = Promise.withResolvers<RunStatus>();
  const codec = breaking(['status', 'input', 'entry/0', 'events/1']);
  const engine = await openEngine(store, codec, ended.resolve);
  assert.deepEqual((await ended.promise).result?.statistics, noStatistics);
  const { runs } = await engine.list('acme', { pageSize: 9 });
  assert.deepEqual(
    runs.map(({ runId, state, principal }) => [runId, state, principal.subject]),
    [['run_1', 'finished', '']],
  );
  await engine.close();
  // What it was ended with is sealed like everything else.
  const sound = await openEngine(store, createPlainCodec(), () => {});
  assert.deepEqual(errorOf(await sound.status('acme', 'run_1')), {
    code: 'storage_unavailable',
    facts: corrupt,
  });
  await sound.close();
});

test('a list goes on past a run whose status does not open, and shows it as damaged', async () => {
  const store = createMemoryRunStore();
  const first = await openEngine(
    store,
    createPlainCodec(),
    () => {},
    async () => done,
  );
  for (const runId of ['run_1', 'run_2', 'run_3']) await first.start(inputOf(runId));
  await first.drain(5_000);
  const broken = breaking(['status']);
  const codec: RunCodec = {
    ...broken,
    decode: (bytes, place) =>
      (place.runId === 'run_2' ? broken : createPlainCodec()).decode(bytes, place),
  };
  const engine = await openEngine(store, codec, () => {});
  const one = await engine.list('acme', { pageSize: 2 });
  const two = await engine.list('acme', { pageSize: 2, pageToken: one.nextPageToken ?? '' });
  const shown = [...one.runs, ...two.runs].map((run) => [run.runId, errorOf(run)?.facts]);
  assert.deepEqual(shown, [
    ['run_3', undefined],
    ['run_2', corrupt],
    ['run_1', undefined],
  ]);
  await engine.close();
});

test('a run whose key is not at hand waits for it, unless somebody cancels it', async () => {
  const store = await keepWaitingRun();
  const facts = { reason: 'no_key', key_id: 'k1' };
  const codec = breaking(['input'], facts);
  const engine = await openEngine(store, codec, () => {});
  const payload = { type: 'tool-result', content: '', isError: false } as const;
  await assert.rejects(engine.signal('acme', 'run_1', 'answered', payload), {
    code: 'storage_unavailable',
    facts,
  });
  assert.equal((await engine.status('acme', 'run_1'))?.state, 'waiting');
  assert.equal(await engine.cancel('acme', 'run_1', 'ann'), true);
  const status = await engine.status('acme', 'run_1');
  assert.deepEqual(errorOf(status)?.facts, facts);
  assert.match(JSON.stringify(status?.result), /"the run cannot go on: input does not open"/);
  await engine.close();
});

test('a run that cannot be ended just now is ended once the store takes that', async () => {
  const memory = await keepWaitingRun();
  let isFull = true;
  const store: RunStore = {
    ...memory,
    write: async (write) => {
      if (!isFull) return memory.write(write);
      const full = { facts: { reason: 'disk_full' } };
      throw new HostError('storage_unavailable', 'no room', full);
    },
  };
  const timers = Promise.withResolvers<() => void>();
  const ended = Promise.withResolvers<RunStatus>();
  const ticking = {
    ...clock,
    setTimer: (_delayMs: number, callback: () => void) => {
      timers.resolve(callback);
      return () => {};
    },
  };
  const engine = await openEngine(store, breaking(['input']), ended.resolve, waiting, ticking);
  const again = await timers.promise;
  await turn();
  isFull = false;
  again();
  assert.equal((await ended.promise).state, 'finished');
  await engine.close();
});

/** A codec to which some parts of what was kept before do not open; what it keeps itself does. */
function breaking(
  parts: readonly string[],
  facts: Readonly<Record<string, string>> = corrupt,
): RunCodec {
  const plain = createPlainCodec();
  const own = new Set<string>();
  return {
    encode: (text, place) => {
      own.add(place.part);
      return plain.encode(text, place);
    },
    decode: (bytes, place) => {
      if (!parts.includes(place.part) || own.has(place.part)) return plain.decode(bytes, place);
      throw new HostError('storage_unavailable', `${place.part} does not open`, { facts });
    },
  };
}

function errorOf(status: RunStatus | undefined): Pick<HostError, 'code' | 'facts'> | undefined {
  const ending = status?.result?.ending;
  if (ending?.reason !== 'failed') return undefined;
  const { code, facts } = ending.error;
  return { code, facts };
}

/** A store with a run that waits, which no engine has any more. */
async function keepWaitingRun(): Promise<RunStore> {
  const store = createMemoryRunStore();
  const engine = await openEngine(store, createPlainCodec(), () => {});
  await engine.start(inputOf('run_1'));
  await engine.close();
  assert.equal((await store.find('run_1'))?.state, 'waiting');
  return { ...store, close: async () => {} };
}

async function openEngine(
  store: RunStore,
  codec: RunCodec,
  onEnd: (status: RunStatus) => void,
  program: RunProgram = waiting,
  ticking: Clock = clock,
): Promise<EmbeddedEngine> {
  return createEmbeddedEngine({
    store,
    codec,
    onEnd,
    clock: ticking,
    programs: { current: '1', versions: new Map([['1', () => program]]) },
    turn,
  });
}

async function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
