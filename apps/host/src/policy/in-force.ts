import type { BundleManifest, BundleScope } from '@modelhost/policy-bundle';
import type { PolicySource, RuleSet } from '@modelhost/policy-engine';
import { scopeKeyOf } from './policy-state.ts';
import type { BundleSlot, PolicyState, StoredBundle } from './policy-state.ts';

/** A bundle whose rules are ready. */
export interface LoadedBundle {
  readonly scope: BundleScope;
  readonly slot: BundleSlot;
  readonly stored: StoredBundle;
  readonly manifest: BundleManifest;
  readonly signedBy: readonly string[];
  readonly ruleSet: RuleSet;
  readonly expiresAtMs: number;
}

/** What decides, as one immutable value: putting another one in its place is the whole of a swap. */
export interface InForce extends PolicySource {
  readonly bundles: readonly LoadedBundle[];
  /** Bundles that decide about a tenant: the platform's and its own. */
  decidingFor(tenant: string): readonly LoadedBundle[];
}

/**
 * Bundles by whom they decide about. A canary decides in the place of the active one for the tenants that it names;
 * shadows decide nothing.
 */
export function createInForce(bundles: readonly LoadedBundle[]): InForce {
  const find = (key: string, slot: BundleSlot): LoadedBundle | undefined =>
    bundles.find((bundle) => bundle.slot === slot && scopeKeyOf(bundle.scope) === key);
  const platform = find('platform', 'active');
  const canary = find('platform', 'canary');
  const ownByTenant = new Map(
    bundles.flatMap((bundle) =>
      bundle.scope === 'platform' || bundle.slot !== 'active'
        ? []
        : [[bundle.scope.tenant, bundle] as const],
    ),
  );

  function decidersOf(tenant: string): readonly LoadedBundle[] {
    const isCanary = canary?.manifest.canary.includes(tenant) === true;
    const both = [isCanary ? canary : platform, ownByTenant.get(tenant)];
    return both.flatMap((bundle) => bundle ?? []);
  }

  const special = [...ownByTenant.keys(), ...(canary?.manifest.canary ?? [])];
  const deciders = new Map(special.map((tenant) => [tenant, decidersOf(tenant)]));
  const usual = platform === undefined ? [] : [platform];
  const decidingFor = (tenant: string): readonly LoadedBundle[] => deciders.get(tenant) ?? usual;
  // The same rules are always the same list: what is prepared for them is found by it.
  const rules = new Map([...deciders].map(([tenant, some]) => [tenant, rulesOf(some)]));
  const usualRules = rulesOf(usual);
  return {
    bundles,
    decidingFor,
    rulesFor: (tenant) => rules.get(tenant) ?? usualRules,
  };
}

/** With one that was just activated, and without those that the state has let go. */
export function withLoaded(
  bundles: readonly LoadedBundle[],
  loaded: LoadedBundle,
  { scopes }: PolicyState,
): readonly LoadedBundle[] {
  return [...bundles, loaded].filter(
    ({ scope, slot, stored }) => scopes[scopeKeyOf(scope)]?.[slot]?.envelope === stored.envelope,
  );
}

/** As if the bundle were the active one of its scope, for everybody. */
export function asIfActive(bundles: readonly LoadedBundle[], candidate: LoadedBundle): InForce {
  const key = scopeKeyOf(candidate.scope);
  const others = bundles.filter(({ scope }) => scopeKeyOf(scope) !== key);
  return createInForce([...others, { ...candidate, slot: 'active' }]);
}

function rulesOf(bundles: readonly LoadedBundle[]): readonly RuleSet[] {
  return bundles.map(({ ruleSet }) => ruleSet);
}
