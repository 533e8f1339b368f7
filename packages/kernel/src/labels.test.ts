import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { confidentialityLevels, joinLabels, plainLabels } from './labels.ts';
import type { DataLabels } from './labels.ts';

const names = fc
  .uniqueArray(fc.constantFrom('crm', 'mail', 'pci', 'pii', 'web'))
  .map((some) => some.sort());
const labels: fc.Arbitrary<DataLabels> = fc.record(
  {
    integrity: fc.constantFrom('trusted', 'untrusted'),
    sources: names,
    confidentiality: fc.constantFrom(...confidentialityLevels),
    compartments: names,
  },
  { noNullPrototype: true },
);

test('joining labels is associative, commutative and idempotent, with a neutral element', () => {
  fc.assert(
    fc.property(labels, labels, labels, (a, b, c) => {
      assert.deepEqual(joinLabels(joinLabels(a, b), c), joinLabels(a, joinLabels(b, c)));
      assert.deepEqual(joinLabels(a, b), joinLabels(b, a));
      assert.deepEqual(joinLabels(a, a), a);
      assert.deepEqual(joinLabels(plainLabels, a), a);
      assert.deepEqual(joinLabels(a, plainLabels), a);
    }),
  );
});

test('nothing becomes more trusted or less confidential by being joined', () => {
  fc.assert(
    fc.property(labels, labels, (a, b) => {
      const joined = joinLabels(a, b);
      for (const part of [a, b]) {
        assert.ok(part.integrity === 'trusted' || joined.integrity === 'untrusted');
        const [of, whole] = [part, joined].map((each) =>
          confidentialityLevels.indexOf(each.confidentiality),
        );
        assert.ok((of ?? 0) <= (whole ?? 0));
        for (const name of part.compartments) assert.ok(joined.compartments.includes(name));
        for (const name of part.sources) assert.ok(joined.sources.includes(name));
      }
    }),
  );
});

test('no name is lost, however many there are', () => {
  const many = Array.from({ length: 300 }, (_, index) => `name-${1000 + index}`);
  const some: DataLabels = { ...plainLabels, sources: ['zoo', ...many] };
  const others: DataLabels = { ...plainLabels, compartments: many, sources: ['abc'] };
  assert.deepEqual(joinLabels(some, others), {
    ...plainLabels,
    sources: ['abc', ...many, 'zoo'],
    compartments: many,
  });
});
