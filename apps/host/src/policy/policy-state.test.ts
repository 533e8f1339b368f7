import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  emptyState,
  filesOf,
  markOf,
  readState,
  slots,
  withBundle,
  writeState,
} from './policy-state.ts';
import type { BundleSlot, PolicyState, StoredBundle } from './policy-state.ts';

function stored(name: string, revision: number): StoredBundle {
  const digest = `${name}-${revision}`;
  return {
    envelope: `e-${digest}`,
    name,
    revision,
    digest,
    activatedAtMs: 1,
    activatedBy: 'ann',
    activatedByTenant: 'acme',
  };
}

function placed(state: PolicyState, slot: BundleSlot, bundle: StoredBundle): PolicyState {
  return withBundle(state, { scope: 'platform', slot, bundle });
}

const someScope = fc.constantFrom('platform' as const, { tenant: 'acme' }, { tenant: '__proto__' });
const somePlacing = fc.record({
  scope: someScope,
  slot: fc.constantFrom(...slots),
  bundle: fc
    .tuple(fc.constantFrom('a', 'b'), fc.nat(9))
    .map(([name, revision]) => stored(name, revision)),
});

test('a state is read as it was written', () => {
  fc.assert(
    fc.property(
      fc.array(somePlacing),
      fc.option(fc.constant('r'), { nil: undefined }),
      (placings, trustRoot) => {
        const state = placings.reduce<PolicyState>(withBundle, { ...emptyState, trustRoot });
        assert.deepEqual(readState(writeState(state)), state);
      },
    ),
  );
});

test('a state of which any character was changed is none', () => {
  const text = writeState(placed(emptyState, 'active', stored('base', 7)));
  fc.assert(
    fc.property(fc.nat(text.trimEnd().length - 1), fc.integer({ min: 1, max: 94 }), (at, by) => {
      const code = 32 + ((text.charCodeAt(at) - 32 + by) % 95);
      const changed = `${text.slice(0, at)}${String.fromCharCode(code)}${text.slice(at + 1)}`;
      assert.equal(readState(changed), undefined);
    }),
  );
  for (const other of [
    '',
    '{}',
    '[]',
    'null',
    '{"format":"modelhost-policy-state","version":1}',
    text.slice(0, -3),
  ]) {
    assert.equal(readState(other), undefined);
  }
});

test('what is promoted leaves the slots behind; what has another name stays', () => {
  let state = placed(emptyState, 'active', stored('base', 1));
  state = placed(state, 'shadow', stored('base', 2));
  state = placed(state, 'canary', stored('base', 3));
  assert.deepEqual(Object.keys(state.scopes['platform'] ?? {}).sort(), ['active', 'canary']);
  state = placed(state, 'shadow', stored('other', 1));
  state = placed(state, 'active', stored('base', 4));
  const { active, canary, shadow } = state.scopes['platform'] ?? {};
  assert.deepEqual([active?.revision, canary, shadow?.name], [4, undefined, 'other']);
  assert.deepEqual([...filesOf(state)].sort(), ['e-base-4', 'e-other-1']);
});

test('a mark is of one name in one scope', () => {
  const tenant = { tenant: 'acme' };
  const state = withBundle(placed(emptyState, 'active', stored('base', 5)), {
    scope: tenant,
    slot: 'active',
    bundle: stored('base', 2),
  });
  assert.deepEqual(markOf(state, 'platform', 'base'), { revision: 5, digest: 'base-5' });
  assert.deepEqual(markOf(state, tenant, 'base'), { revision: 2, digest: 'base-2' });
  assert.equal(markOf(state, { tenant: 'beta' }, 'base'), undefined);
  assert.equal(markOf(state, 'platform', 'other'), undefined);
});
