import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRuleSet } from '@modelhost/policy-engine';
import fc from 'fast-check';
import { asIfActive, createInForce } from './in-force.ts';
import type { LoadedBundle } from './in-force.ts';
import { scopeKeyOf, slots } from './policy-state.ts';

const tenants = ['acme', 'beta', 'gamma', '__proto__', ''];
const text = '@id("all") permit (principal, action == ModelHost::Action::"AcceptInput", resource);';
const shared = readRuleSet({
  name: 'base',
  scope: 'platform',
  revision: 1,
  digest: 'd',
  tools: [],
  files: [{ name: 'authorize.cedar', text }],
});

type Draft = Pick<LoadedBundle, 'scope' | 'slot'> & { readonly canary: readonly string[] };

function loaded({ scope, slot, canary }: Draft, index: number): LoadedBundle {
  const digest = `d${index}`;
  const base = { name: 'base', revision: index + 1, digest };
  return {
    scope,
    slot,
    stored: {
      ...base,
      envelope: digest,
      activatedAtMs: 0,
      activatedBy: 'ann',
      activatedByTenant: 'acme',
    },
    manifest: {
      ...base,
      formatVersion: 1,
      scope,
      notBefore: '2026-01-01T00:00:00Z',
      expires: '2027-01-01T00:00:00Z',
      mode: slot === 'shadow' ? 'shadow' : 'enforce',
      requires: { host: '0.1.0', cedar: '4.0.0' },
      canary,
    },
    signedBy: [],
    ruleSet: { ...shared, source: { ...base, scope, tools: [] } },
    expiresAtMs: 0,
  };
}

// As a state holds them: one in each slot of a scope, canaries for the platform alone.
const someBundles = fc
  .uniqueArray(
    fc.record({
      scope: fc.oneof(
        fc.constant('platform' as const),
        fc.constantFrom(...tenants.slice(0, 4)).map((tenant) => ({ tenant })),
      ),
      slot: fc.constantFrom(...slots),
      canary: fc.subarray(tenants.slice(0, 4)),
    }),
    { selector: ({ scope, slot }) => `${scopeKeyOf(scope)} ${slot}`, maxLength: 8 },
  )
  .map((drafts) =>
    drafts.filter(({ scope, slot }) => scope === 'platform' || slot !== 'canary').map(loaded),
  );

test('a tenant is decided about by one bundle of the platform and its own, and by no shadow or other tenant', () => {
  fc.assert(
    fc.property(someBundles, fc.constantFrom(...tenants), (bundles, tenant) => {
      const inForce = createInForce(bundles);
      const deciding = inForce.decidingFor(tenant);
      const ofPlatform = (slot: string): LoadedBundle | undefined =>
        bundles.find((bundle) => bundle.scope === 'platform' && bundle.slot === slot);
      const canary = ofPlatform('canary');
      const isCanary = canary?.manifest.canary.includes(tenant) === true;
      const own = bundles.find(
        ({ scope, slot }) => slot === 'active' && scope !== 'platform' && scope.tenant === tenant,
      );
      const expected = [isCanary ? canary : ofPlatform('active'), own].filter(
        (bundle) => bundle !== undefined,
      );
      assert.deepEqual(deciding, expected);
      assert.deepEqual(
        inForce.rulesFor(tenant),
        expected.map(({ ruleSet }) => ruleSet),
      );
      // What is prepared for the rules is found by their list.
      assert.equal(inForce.rulesFor(tenant), inForce.rulesFor(tenant));
    }),
  );
});

test('a candidate has the place of the active bundle of its scope, and changes nothing for anybody else', () => {
  fc.assert(
    fc.property(someBundles, fc.constantFrom(...tenants), (bundles, tenant) => {
      for (const candidate of bundles) {
        const { scope } = candidate;
        const before = createInForce(bundles).decidingFor(tenant);
        const after = asIfActive(bundles, candidate).decidingFor(tenant);
        const isOther = (bundle: LoadedBundle): boolean =>
          scopeKeyOf(bundle.scope) !== scopeKeyOf(scope);
        assert.deepEqual(after.filter(isOther), before.filter(isOther));
        const isAbout = scope === 'platform' || scope.tenant === tenant;
        assert.deepEqual(
          after.filter((bundle) => !isOther(bundle)).map(({ stored }) => stored.digest),
          isAbout ? [candidate.stored.digest] : [],
        );
      }
    }),
  );
});
