import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createTenantShares } from './tenant-shares.ts';

test('only the tenant with the most forgets, and never more than is needed', () => {
  const tenants = ['acme', 'beta', 'corp'];
  const keys = ['a', 'b', 'c', 'd', 'e'];
  const kept = fc.tuple(fc.constantFrom(...tenants), fc.constantFrom(...keys));
  fc.assert(
    fc.property(fc.array(kept, { maxLength: 40 }), fc.integer({ min: 1, max: 8 }), (all, max) => {
      const shares = createTenantShares<string>(max);
      const keysOf = (tenant: string): readonly string[] =>
        keys.filter((key) => shares.find(tenant, key) === `${tenant} ${key}`);
      for (const [tenant, key] of all) {
        const before = tenants.map((each) => [
          ...new Set([...keysOf(each), ...(each === tenant ? [key] : [])]),
        ]);
        shares.keep(tenant, key, `${tenant} ${key}`);
        const after = tenants.map(keysOf);
        const [wanted, held] = [before, after].map((some) => some.flat().length);
        assert.equal(held, Math.min(wanted ?? 0, max));
        const most = Math.max(...before.map(({ length }) => length));
        for (const [index, { length }] of before.entries()) {
          if ((after[index]?.length ?? 0) < length) assert.equal(length, most);
        }
      }
    }),
  );
});

test('what was used longest ago is forgotten first, and finding it is using it', () => {
  const shares = createTenantShares<number>(2);
  shares.keep('acme', 'a', 1);
  shares.keep('acme', 'b', 2);
  assert.equal(shares.find('acme', 'a'), 1);
  shares.keep('acme', 'c', 3);
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => shares.find('acme', key)),
    [1, undefined, 3],
  );
});
