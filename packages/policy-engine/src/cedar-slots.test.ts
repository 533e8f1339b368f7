import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createSlots } from './cedar-slots.ts';

/** What an instance holds under its names: 0 once it was emptied. */
function createInstance() {
  const weights = new Map<string, number>();
  const filler = (weight: number) => ({
    prepare: (name: string) => void weights.set(name, weight),
    drop: (name: string) => void weights.set(name, 0),
  });
  return { weights, filler };
}

suite('slots of prepared rules', () => {
  test('hold no more names and weight than allowed, in whatever order contents are asked for', () => {
    const asked = fc.array(fc.record({ id: fc.nat(9), weight: fc.integer({ min: 1, max: 9 }) }));
    fc.assert(
      fc.property(asked, (contents) => {
        const slots = createSlots('s', { slotsMax: 4, weightMax: 12 });
        const { weights, filler } = createInstance();
        for (const { id, weight } of contents) {
          const name = slots.nameOf({ id, weight }, weight, filler(weight));
          assert.equal(weights.get(name), weight);
          const sum = [...weights.values()].reduce((all, each) => all + each, 0);
          assert.ok(weights.size <= 4 && sum <= 12);
        }
      }),
    );
  });

  test('prepare equal contents once, and again after those of a new instance are forgotten', () => {
    const slots = createSlots('s', { slotsMax: 4, weightMax: 12 });
    let prepared = 0;
    const filler = { prepare: () => void (prepared += 1), drop: () => undefined };
    const first = slots.nameOf({ a: 'x' }, 1, filler);
    assert.equal(slots.nameOf({ a: 'x' }, 1, filler), first);
    assert.notEqual(slots.nameOf({ a: 'X' }, 1, filler), first);
    assert.equal(prepared, 2);
    slots.clear();
    slots.nameOf({ a: 'x' }, 1, filler);
    assert.equal(prepared, 3);
  });

  test('hold what is heavier than the bound by itself, and nothing beside it', () => {
    const slots = createSlots('s', { slotsMax: 4, weightMax: 12 });
    const { weights, filler } = createInstance();
    slots.nameOf({ a: 1 }, 5, filler(5));
    slots.nameOf({ a: 2 }, 50, filler(50));
    assert.deepEqual([...weights.values()], [50]);
    slots.nameOf({ a: 3 }, 1, filler(1));
    assert.deepEqual([...weights.values()], [1]);
  });

  test('use a name again that could not be filled', () => {
    const slots = createSlots('s', { slotsMax: 1, weightMax: 1 });
    const { weights, filler } = createInstance();
    const broken = {
      ...filler(1),
      prepare: () => {
        throw new Error('no');
      },
    };
    assert.throws(() => slots.nameOf({ a: 1 }, 1, broken), /no/);
    slots.nameOf({ a: 1 }, 1, filler(1));
    assert.deepEqual([...weights.keys()], ['s-1']);
  });
});
