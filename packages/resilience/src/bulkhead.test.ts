import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { HostError } from '@modelhost/kernel';
import { createBulkhead } from './bulkhead.ts';
import type { Bulkhead } from './bulkhead.ts';

/** Timers that go off when the test says so. */
interface Timers {
  readonly setTimer: (delayMs: number, callback: () => void) => () => void;
  readonly goOff: () => void;
  readonly count: () => number;
}

function createTimers(): Timers {
  const pending = new Set<() => void>();
  function setTimer(_delayMs: number, callback: () => void): () => void {
    pending.add(callback);
    return () => void pending.delete(callback);
  }
  function goOff(): void {
    for (const callback of pending) callback();
    pending.clear();
  }
  return { setTimer, goOff, count: () => pending.size };
}

interface Started {
  readonly bulkhead: Bulkhead;
  readonly timers: Timers;
  readonly enter: (signal?: AbortSignal) => Promise<() => void>;
}

function start(inFlightMax: number, queueMax: number): Started {
  const timers = createTimers();
  const { setTimer } = timers;
  const bulkhead = createBulkhead({ name: 'files', inFlightMax, queueMax, setTimer });
  const never = new AbortController().signal;
  return {
    bulkhead,
    timers,
    enter: async (signal = never) => await bulkhead.enter({ signal, timeoutMs: 50 }),
  };
}

function isOverloaded(text: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof HostError && error.code === 'overloaded' && text.test(error.message);
}

test('who comes when all is full is refused; who waits gets in, in the order of coming', async () => {
  const { bulkhead, enter, timers } = start(1, 2);
  const leave = await enter();
  const order: string[] = [];
  const waiting = ['first', 'second'].map(async (name) => {
    const go = await enter();
    order.push(name);
    go();
  });
  await assert.rejects(enter(), isOverloaded(/^files: 1 calls are in flight and 2 wait$/));
  leave();
  await Promise.all(waiting);
  assert.deepEqual(order, ['first', 'second']);
  assert.deepEqual([bulkhead.inFlight(), bulkhead.waiting(), timers.count()], [0, 0, 0]);
});

test('with no queue, nobody waits', async () => {
  const { enter } = start(1, 0);
  await enter();
  await assert.rejects(enter(), isOverloaded(/in flight/));
});

test('who would not wait gets in only where there is room, and never before those who wait', async () => {
  const { bulkhead, enter } = start(1, 1);
  const leave = bulkhead.tryEnter();
  assert.equal(bulkhead.tryEnter(), undefined);
  const entering = enter();
  leave?.();
  assert.equal(bulkhead.tryEnter(), undefined);
  (await entering)();
  assert.equal(bulkhead.inFlight(), 0);
});

test('waiting ends with the reason of the signal, and the place in the queue is free', async () => {
  const { bulkhead, enter, timers } = start(1, 1);
  const leave = await enter();
  const cancel = new AbortController();
  const entering = enter(cancel.signal);
  const reason = new Error('enough');
  cancel.abort(reason);
  assert.equal(bulkhead.waiting(), 0);
  await assert.rejects(entering, (thrown) => thrown === reason);
  await assert.rejects(enter(cancel.signal), (thrown) => thrown === reason);
  leave();
  assert.deepEqual([bulkhead.inFlight(), timers.count()], [0, 0]);
});

test('waiting ends when its time is over', async () => {
  const { bulkhead, enter, timers } = start(1, 1);
  await enter();
  const entering = enter();
  timers.goOff();
  await assert.rejects(entering, isOverloaded(/no turn in 50 ms/));
  assert.equal(bulkhead.waiting(), 0);
});

test('leaving twice is leaving once', async () => {
  const { bulkhead, enter } = start(2, 0);
  const leave = await enter();
  await enter();
  leave();
  leave();
  assert.equal(bulkhead.inFlight(), 1);
});

const step = fc.record({
  type: fc.constantFrom('enter', 'enter', 'try', 'leave', 'leave', 'abort', 'time', 'turn'),
  which: fc.nat(),
});

test('in no order of events is a bound passed, a place lost or somebody forgotten', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 3 }),
      async (steps, inFlightMax, queueMax) => {
        const { bulkhead, enter, timers } = start(inFlightMax, queueMax);
        const inside: (() => void)[] = [];
        const cancels: AbortController[] = [];
        const asked: Promise<unknown>[] = [];
        for (const { type, which } of steps) {
          if (type === 'enter') {
            const cancel = new AbortController();
            cancels.push(cancel);
            asked.push(
              enter(cancel.signal).then(
                (leave) => inside.push(leave),
                () => {},
              ),
            );
          }
          if (type === 'try') inside.push(bulkhead.tryEnter() ?? (() => {}));
          if (type === 'leave') inside.splice(which % Math.max(inside.length, 1), 1)[0]?.();
          if (type === 'abort') cancels[which % Math.max(cancels.length, 1)]?.abort();
          if (type === 'time') timers.goOff();
          // What was asked for comes to its end only between the turns of the loop.
          if (type === 'turn') await settled(); // oxlint-disable-line no-await-in-loop
          assert.ok(bulkhead.inFlight() <= inFlightMax && bulkhead.waiting() <= queueMax);
        }
        for (let index = 0; index <= asked.length; index += 1) {
          await settled(); // oxlint-disable-line no-await-in-loop
          for (const leave of inside.splice(0)) leave();
        }
        await Promise.all(asked);
        assert.deepEqual([bulkhead.inFlight(), bulkhead.waiting(), timers.count()], [0, 0, 0]);
      },
    ),
  );
});

async function settled(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
