import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLine } from './line.ts';

test('turns come in the order of entering, whatever the order of passing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ passesEarly: fc.boolean(), turns: fc.nat(5) }), { maxLength: 10 }),
      async (plans) => {
        const line = createLine();
        const order: number[] = [];
        await Promise.all(
          plans.map(async ({ passesEarly, turns }, index) => {
            const place = line.enter();
            if (passesEarly) {
              place.pass();
              return;
            }
            if (place.turn !== undefined) await place.turn;
            order.push(index);
            for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
            assert.equal(order.at(-1), index);
            place.pass();
            place.pass();
          }),
        );
        assert.deepEqual(
          order,
          plans.flatMap(({ passesEarly }, index) => (passesEarly ? [] : [index])),
        );
        assert.ok(line.isEmpty());
      },
    ),
  );
});

test('nobody waits in an empty line', () => {
  const line = createLine();
  const first = line.enter();
  assert.equal(first.turn, undefined);
  assert.notEqual(line.enter().turn, undefined);
});
