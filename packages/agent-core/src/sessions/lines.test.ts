import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import fc from 'fast-check';
import { createLines } from './lines.ts';

const never = new AbortController().signal;

test('in one line one goes at a time, in the order in which they came', async () => {
  const lines = createLines({ waitingMax: 10, waitingInAllMax: 10 });
  const seen: string[] = [];
  const all = ['a', 'b', 'c'].map(async (who) => {
    const leave = await lines.enter('line', never);
    seen.push(`${who} in`);
    await Promise.resolve();
    seen.push(`${who} out`);
    leave();
  });
  await Promise.all(all);
  assert.deepEqual(seen, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
});

test('lines do not wait for one another', async () => {
  const lines = createLines({ waitingMax: 1, waitingInAllMax: 1 });
  const leave = await lines.enter('one', never);
  (await lines.enter('other', never))();
  assert.equal(lines.isUsed('one'), true);
  leave();
  assert.equal(lines.isUsed('one') || lines.isUsed('other'), false);
});

test('beyond the bounds whoever comes is told when to come again', async () => {
  const lines = createLines({ waitingMax: 2, waitingInAllMax: 3 });
  const leave = await lines.enter('one', never);
  const leaveOther = await lines.enter('other', never);
  const waiting = [lines.enter('one', never), lines.enter('one', never)];
  await assertOverloaded(lines.enter('one', never));
  const waitingThere = lines.enter('other', never);
  // Of all lines together three may wait.
  await assertOverloaded(lines.enter('other', never));
  leave();
  leaveOther();
  for (const entered of [...waiting, waitingThere]) (await entered)();
  (await lines.enter('one', never))();
});

test('whoever gives up makes room, and the order of the others stays', async () => {
  const lines = createLines({ waitingMax: 2, waitingInAllMax: 2 });
  const leave = await lines.enter('line', never);
  const controller = new AbortController();
  const given = lines.enter('line', controller.signal);
  const second = lines.enter('line', never);
  controller.abort(new Error('gone'));
  await assert.rejects(given, /gone/);
  const third = lines.enter('line', never);
  leave();
  // Leaving twice lets nobody else in.
  leave();
  const leaveSecond = await second;
  leaveSecond();
  (await third)();
  await assert.rejects(lines.enter('line', controller.signal), /gone/);
});

test('whatever is done, never two are in one line, and in the end nobody is left', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ name: fc.constantFrom('a', 'b'), aborts: fc.boolean() }), {
        maxLength: 20,
      }),
      async (visitors) => {
        const lines = createLines({ waitingMax: 5, waitingInAllMax: 8 });
        const inside = new Map<string, number>();
        const visits = visitors.map(async ({ name, aborts }) => {
          const controller = new AbortController();
          const entered = lines.enter(name, controller.signal);
          if (aborts) controller.abort(new HostError('cancelled', 'gone'));
          const leave = await entered;
          const count = (inside.get(name) ?? 0) + 1;
          inside.set(name, count);
          await Promise.resolve();
          inside.set(name, count - 1);
          leave();
          return count;
        });
        const results = await Promise.allSettled(visits);
        assert.ok(results.every((result) => result.status === 'rejected' || result.value === 1));
        for (const name of ['a', 'b']) (await lines.enter(name, never))();
      },
    ),
    { numRuns: 200 },
  );
});

async function assertOverloaded(entered: Promise<unknown>): Promise<void> {
  await assert.rejects(entered, (thrown) => {
    assert.ok(thrown instanceof HostError);
    assert.equal(thrown.code, 'overloaded');
    assert.ok((thrown.retryAfterMs ?? 0) > 0);
    return true;
  });
}
