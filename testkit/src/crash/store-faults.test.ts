import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createMemoryRunStore } from '@modelhost/engine-embedded';
import type { EmbeddedEngine, RunStore } from '@modelhost/engine-embedded';
import { HostError } from '@modelhost/kernel';
import type { RunProgram } from '@modelhost/kernel';
import { done } from '../conformance/workbench.ts';
import { createRunInput } from '../run-input.ts';
import { createTestEngine } from '../test-engine.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import type { VirtualClock } from '../virtual-clock.ts';

interface Broken {
  readonly engine: EmbeddedEngine;
  readonly clock: VirtualClock;
  /** Every change is refused with this reason, until it is undefined again. */
  readonly refuse: (reason: string | undefined) => void;
  readonly ran: readonly string[];
  readonly faults: readonly string[];
}

/** An engine whose run takes two steps, the second of which must not run twice, and whose store can refuse. */
async function createBroken(): Promise<Broken> {
  const clock = createVirtualClock();
  const ran: string[] = [];
  const faults: string[] = [];
  let refused: string | undefined;
  const program: RunProgram = async (run) => {
    await run.step('one', async (info) => ran.push(`one ${info.attempt}`));
    await run.sleepUntil('night', (await run.now('now')) + 1_000);
    const { kind } = await run.atMostOnce('two', async () => ran.push('two'));
    return { ...done, ending: { reason: 'completed', answer: kind } };
  };
  const store = createMemoryRunStore();
  const broken: RunStore = {
    ...store,
    write: async (write) => {
      if (refused === undefined) return store.write(write);
      throw new HostError('storage_unavailable', 'no', { facts: { reason: refused } });
    },
  };
  const onFault = (_runId: string | undefined, fault: HostError): void => {
    faults.push(fault.message);
  };
  const engine = await createTestEngine({ program, clock, store: broken, onFault });
  const refuse = (reason: string | undefined): void => {
    refused = reason;
  };
  return { engine, clock, refuse, ran, faults };
}

suite('a store that takes nothing', () => {
  test('because it is full is asked again, and nothing of the run is lost', async () => {
    const { engine, clock, refuse, ran, faults } = await createBroken();
    refuse('disk_full');
    await engine.start(createRunInput({}));
    await clock.advance(3_000);
    assert.deepEqual(ran, ['one 1']);
    assert.equal((await engine.status('acme', 'run_1'))?.lastSequence, 0);
    refuse(undefined);
    await clock.advance(2_000);
    assert.deepEqual((await engine.status('acme', 'run_1'))?.result?.ending, {
      reason: 'completed',
      answer: 'done',
    });
    assert.deepEqual(ran, ['one 1', 'two']);
    assert.deepEqual(faults, []);
    await engine.close();
  });

  test('interrupts a run, which goes on from what is kept once it takes something', async () => {
    const { engine, clock, refuse, ran, faults } = await createBroken();
    await engine.start(createRunInput({}));
    await clock.advance(500);
    refuse('io_error');
    await clock.advance(15_000);
    assert.ok(faults.length > 0);
    assert.match(faults[0] ?? '', /interrupted: no/);
    assert.deepEqual(ran, ['one 1']);
    refuse(undefined);
    await clock.advance(20_000);
    const status = await engine.status('acme', 'run_1');
    assert.deepEqual(status?.result?.ending, { reason: 'completed', answer: 'done' });
    assert.deepEqual(ran, ['one 1', 'two']);
    await engine.close();
  });

  test('because another engine has taken over is not asked again', async () => {
    const { engine, clock, refuse, faults } = await createBroken();
    await engine.start(createRunInput({}));
    await clock.advance(500);
    refuse('fenced');
    await clock.advance(50_000);
    assert.equal(faults.length, 1);
    assert.equal(clock.pending(), 0);
    assert.equal(engine.runsInFlight(), 0);
    await engine.close();
  });
});
