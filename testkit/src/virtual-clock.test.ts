import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createVirtualClock } from './virtual-clock.ts';

test('timers fire in the order of time, then of setting, at their time, and not when cancelled', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ delayMs: fc.nat({ max: 20 }), isCancelled: fc.boolean() })),
      async (timers) => {
        const clock = createVirtualClock({ startMs: 0 });
        const fired: (readonly [number, number])[] = [];
        for (const [index, { delayMs, isCancelled }] of timers.entries()) {
          const cancel = clock.setTimer(delayMs, () => fired.push([clock.now(), index]));
          if (isCancelled) cancel();
        }
        await clock.advance(20);
        const expected = timers
          .map(({ delayMs, isCancelled }, index) => ({ delayMs, isCancelled, index }))
          .filter(({ isCancelled }) => !isCancelled)
          .sort((one, other) => one.delayMs - other.delayMs || one.index - other.index)
          .map(({ delayMs, index }) => [delayMs, index]);
        assert.deepEqual(fired, expected);
        assert.equal(clock.now(), 20);
      },
    ),
    { numRuns: 50 },
  );
});

test('what a callback sets in motion settles before the next callback', async () => {
  const clock = createVirtualClock();
  const order: string[] = [];
  clock.setTimer(1, () => {
    void Promise.resolve()
      .then(async () => Promise.resolve())
      .then(() => order.push('settled'));
  });
  clock.setTimer(1, () => order.push('next'));
  await clock.advance(1);
  assert.deepEqual(order, ['settled', 'next']);
});

test('a clock that never comes to rest is stopped', async () => {
  const clock = createVirtualClock();
  const again = (): void => {
    clock.setTimer(1, again);
  };
  again();
  await assert.rejects(clock.runAll(100), /for ever/);
});
