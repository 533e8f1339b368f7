import { HostError } from '@modelhost/kernel';
import { verifyBundle } from '@modelhost/policy-bundle';
import type { BundleScope, Refused, TrustRoot, Verified } from '@modelhost/policy-bundle';
import { cedarVersion, readRuleSet } from '@modelhost/policy-engine';
import { contentOf, sourceOf } from './activate-bundle.ts';
import type { LoadedBundle } from './in-force.ts';
import { slots } from './policy-state.ts';
import type { BundleSlot, StoredBundle } from './policy-state.ts';
import type { PolicyStore } from './policy-store.ts';

/** A bundle of the store that cannot be used. */
export interface LostBundle {
  readonly scopeKey: string;
  readonly slot: BundleSlot;
  readonly stored: StoredBundle;
  readonly message: string;
}

/** What stored bundles are judged with. */
export interface StoredConditions {
  readonly store: PolicyStore;
  readonly trust: TrustRoot;
  readonly hostVersion: string;
}

/**
 * Loads what was in force when the host ended. It was tested and compiled on its way in; its signatures are checked again,
 * as of then, so that a key that was revoked since counts no more. Throws `storage_unavailable` for a file that is damaged.
 */
export async function loadStored(conditions: StoredConditions): Promise<{
  readonly loaded: readonly LoadedBundle[];
  readonly lost: readonly LostBundle[];
}> {
  const loaded: LoadedBundle[] = [];
  const lost: LostBundle[] = [];
  for (const { scopeKey, slot, stored } of placesOf(conditions.store)) {
    const result = await load({ slot, stored }, conditions);
    if (typeof result === 'string') lost.push({ scopeKey, slot, stored, message: result });
    else loaded.push(result);
  }
  return { loaded, lost };
}

/** Those of the bundles in force that would not be taken at a start under this root, with the reason. */
export async function findUntrusted(conditions: StoredConditions): Promise<readonly LostBundle[]> {
  const untrusted: LostBundle[] = [];
  for (const place of placesOf(conditions.store)) {
    const verified = await verifyAgain(place.stored, conditions);
    if (verified.type === 'refused') untrusted.push({ ...place, message: verified.message });
  }
  return untrusted;
}

function placesOf(store: PolicyStore) {
  return Object.entries(store.state().scopes).flatMap(([scopeKey, scope]) =>
    slots.flatMap((slot) => {
      const stored = scope[slot];
      return stored === undefined ? [] : [{ scopeKey, slot, stored }];
    }),
  );
}

async function load(
  { slot, stored }: { readonly slot: BundleSlot; readonly stored: StoredBundle },
  conditions: StoredConditions,
): Promise<LoadedBundle | string> {
  const verified = await verifyAgain(stored, conditions);
  if (verified.type === 'refused') return verified.message;
  const { bundle, signedBy } = verified;
  const { manifest } = bundle;
  const scope: BundleScope = manifest.scope;
  try {
    const ruleSet = readRuleSet(sourceOf(bundle, contentOf(bundle)));
    return {
      scope,
      slot,
      stored,
      manifest,
      signedBy,
      ruleSet,
      expiresAtMs: Date.parse(manifest.expires),
    };
  } catch (thrown) {
    if (thrown instanceof HostError) return thrown.message;
    throw thrown;
  }
}

/** As of its activation: that time has passed since is for the grace to say, and not for the signatures. */
async function verifyAgain(
  stored: StoredBundle,
  { store, trust, hostVersion }: StoredConditions,
): Promise<Verified | Refused> {
  const envelope = await store.read(stored.envelope);
  return verifyBundle(envelope, { trust, nowMs: stored.activatedAtMs, hostVersion, cedarVersion });
}
