import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createMemoryRunStore } from '@modelhost/engine-embedded';
import type { EmbeddedEngine, RunStore } from '@modelhost/engine-embedded';
import { HostError } from '@modelhost/kernel';
import type { RunContext, RunInput, RunProgram } from '@modelhost/kernel';
import { done } from '../conformance/workbench.ts';
import { createRunInput } from '../run-input.ts';
import { createTestEngine } from '../test-engine.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import type { VirtualClock } from '../virtual-clock.ts';

const payloadBytesMax = 8 * 1024 * 1024;

/** Each letter takes six bytes as JSON. */
const controlText = '\u0001'.repeat(256 * 1024);

/** A store that takes no larger payload than one on a disk does, and says how large the largest was. */
function createStrictStore(): { readonly store: RunStore; readonly largest: () => number } {
  const store = createMemoryRunStore();
  let largest = 0;

  function check(payloads: readonly (Uint8Array | undefined)[]): void {
    for (const payload of payloads) {
      const bytes = payload?.byteLength ?? 0;
      if (bytes > payloadBytesMax) {
        const facts = { reason: 'too_large' };
        throw new HostError('storage_unavailable', `a payload of ${bytes} bytes`, { facts });
      }
      largest = Math.max(largest, bytes);
    }
  }

  return {
    largest: () => largest,
    store: {
      ...store,
      create: async (run, input) => {
        check([...(run.entries ?? []), input, run.status]);
        return store.create(run, input);
      },
      write: async (write) => {
        const { entries, events, run } = write;
        check([...entries, events?.payload, run?.status]);
        return store.write(write);
      },
    },
  };
}

async function openEngine(
  body: (run: RunContext) => Promise<unknown>,
  options: {
    readonly clock: VirtualClock;
    readonly store: RunStore;
    readonly faults?: string[];
  },
): Promise<EmbeddedEngine> {
  const { clock, store, faults = [] } = options;
  const program: RunProgram = async (run) => {
    const answer = JSON.stringify(await body(run));
    return { ...done, ending: { reason: 'completed', answer } };
  };
  const onFault = (_runId: string | undefined, fault: HostError): void =>
    void faults.push(fault.message);
  return createTestEngine({ program, clock, store, onFault });
}

suite('a run with more to keep than a store takes at once', () => {
  test('keeps many long answers that come at once, and the next host has them too', async () => {
    const clock = createVirtualClock();
    const { store, largest } = createStrictStore();
    const names = Array.from({ length: 16 }, (_, index) => `answer-${index}`);
    const patience = { timeoutMs: 30_000, approvers: [] };
    const body = async (run: RunContext): Promise<unknown> => {
      await run.waitForSignal('begin', patience);
      const all = await Promise.all(names.map(async (name) => run.waitForSignal(name, patience)));
      await run.waitForSignal('end', patience);
      return all.map((payload) => payload?.type === 'tool-result' && payload.content.length);
    };
    const send = async (engine: EmbeddedEngine, name: string, content: string): Promise<void> => {
      const payload = { type: 'tool-result', content, isError: false } as const;
      assert.deepEqual(await engine.signal('acme', 'run_1', name, payload), { accepted: true });
    };
    const first = await openEngine(body, { clock, store });
    await first.start(createRunInput({}));
    await clock.settle();
    for (const name of names) await send(first, name, controlText);
    await send(first, 'begin', '');
    await clock.settle();
    await first.close();
    const second = await openEngine(body, { clock, store });
    await clock.settle();
    await send(second, 'end', '');
    await clock.settle();
    const ending = (await second.status('acme', 'run_1'))?.result?.ending;
    const answer = JSON.stringify(names.map(() => controlText.length));
    assert.deepEqual(ending, { reason: 'completed', answer });
    assert.ok(largest() < payloadBytesMax / 2);
    await second.close();
  });

  test('is forked late, and the next host goes on with the fork from the step where it was', async () => {
    const clock = createVirtualClock();
    const { store, largest } = createStrictStore();
    const names = Array.from({ length: 6 }, (_, index) => `turn-${index + 1}/model`);
    const ran: string[] = [];
    const body = async (run: RunContext): Promise<unknown> => {
      const told = [];
      for (const name of names) {
        told.push(
          await run.step(name, async () => {
            ran.push(name);
            return controlText;
          }),
        );
      }
      const payload = await run.waitForSignal('end', { timeoutMs: 30_000, approvers: [] });
      return [told.map(({ length }) => length), payload?.type];
    };
    const end = { type: 'tool-result', content: '', isError: false } as const;
    const first = await openEngine(body, { clock, store });
    await first.start(createRunInput({}));
    await clock.settle();
    await first.signal('acme', 'run_1', 'end', end);
    await clock.settle();
    ran.length = 0;
    const fork = { runId: 'run_2', atStep: 'turn-6/model', change: (input: RunInput) => input };
    assert.deepEqual(await first.fork('acme', 'run_1', fork), { created: true });
    await clock.settle();
    await first.close();
    const second = await openEngine(body, { clock, store });
    await clock.settle();
    await second.signal('acme', 'run_2', 'end', end);
    await clock.settle();
    assert.deepEqual(ran, ['turn-6/model']);
    const ending = (await second.status('acme', 'run_2'))?.result?.ending;
    const answer = JSON.stringify([names.map(() => controlText.length), 'tool-result']);
    assert.deepEqual(ending, { reason: 'completed', answer });
    const { digest, recordedDigest } = await second.replay('acme', 'run_2');
    assert.equal(digest, recordedDigest);
    assert.ok(largest() < payloadBytesMax / 2);
    await second.close();
  });

  test('keeps what a step told before it failed, however much that was', async () => {
    const clock = createVirtualClock();
    const { store } = createStrictStore();
    const body = async (run: RunContext): Promise<unknown> =>
      run
        .step('talk', async ({ emit }) => {
          for (let count = 0; count < 8; count += 1) {
            emit({ type: 'text-delta', text: controlText });
          }
          throw new HostError('provider_unavailable', 'gone');
        })
        .catch(() => 'gone');
    const engine = await openEngine(body, { clock, store });
    await engine.start(createRunInput({}));
    await clock.settle();
    const ending = (await engine.status('acme', 'run_1'))?.result?.ending;
    assert.deepEqual(ending, { reason: 'completed', answer: '"gone"' });
    const { events, digest, recordedDigest } = await engine.replay('acme', 'run_1');
    assert.equal(events.length, 9);
    assert.equal(digest, recordedDigest);
    await engine.close();
  });

  test('ends with the reason when one thing of it is too large, and is not tried again', async () => {
    const clock = createVirtualClock();
    const { store } = createStrictStore();
    const faults: string[] = [];
    const body = async (run: RunContext): Promise<unknown> => {
      await run.step('before', async () => 1);
      run.emit('', { type: 'text-delta', text: controlText.repeat(6) });
      return run.waitForSignal('never', { timeoutMs: 30_000, approvers: [] });
    };
    const engine = await openEngine(body, { clock, store, faults });
    await engine.start(createRunInput({}));
    await clock.advance(1);
    const ending = (await engine.status('acme', 'run_1'))?.result?.ending;
    assert.ok(ending?.reason === 'failed');
    assert.equal(ending.error.code, 'failed_precondition');
    assert.match(ending.error.message, /cannot go on: a payload of \d+ bytes/);
    assert.deepEqual(ending.error.facts, { reason: 'too_large' });
    assert.equal(faults.length, 2);
    assert.equal(engine.runsInFlight(), 0);
    assert.equal(await engine.cancel('acme', 'run_1', 'ann'), false);
    assert.equal(clock.pending(), 0);
    await engine.close();
  });
});
