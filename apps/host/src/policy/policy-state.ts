import {
  canonicalJson,
  HostError,
  isJsonObject,
  parseJsonText,
  sha256Hex,
} from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import type { BundleScope, HighWaterMark } from '@modelhost/policy-bundle';

/** What a bundle does in its scope: it decides; it decides for the tenants of its canary list; it is only compared. */
export type BundleSlot = 'active' | 'canary' | 'shadow';

/** A bundle that was activated. */
export interface StoredBundle {
  /** SHA-256 of its envelope, which is a file of the store. */
  readonly envelope: string;
  readonly name: string;
  readonly revision: number;
  /** Of the payload. */
  readonly digest: string;
  readonly activatedAtMs: number;
  readonly activatedBy: string;
  /** Empty for the host itself. */
  readonly activatedByTenant: string;
}

/** What is in force in one scope. */
export type ScopeState = { readonly [Slot in BundleSlot]?: StoredBundle };

/** Everything that is in force. Replaced as a whole. */
export interface PolicyState {
  /** By the key of the scope: `platform`, or `tenant/<name>`. */
  readonly scopes: Readonly<Record<string, ScopeState>>;
  /** The newest revision that was ever activated, by scope and name. */
  readonly marks: Readonly<Record<string, HighWaterMark>>;
  /** SHA-256 of the trust root that was last taken, which is a file of the store. */
  readonly trustRoot: string | undefined;
}

export const emptyState: PolicyState = { scopes: {}, marks: {}, trustRoot: undefined };
export const slots: readonly BundleSlot[] = ['active', 'canary', 'shadow'];

const format = 'modelhost-policy-state';
const scopesMax = 10_000;

/** The key of a scope in the state. */
export function scopeKeyOf(scope: BundleScope): string {
  return scope === 'platform' ? scope : `tenant/${scope.tenant}`;
}

/** The tenant of a scope, by its key; undefined for the platform. */
export function tenantOfKey(scopeKey: string): string | undefined {
  return scopeKey === 'platform' ? undefined : scopeKey.slice('tenant/'.length);
}

/** The mark that a bundle of this name has to reach; undefined for one that was never activated. */
export function markOf(
  { marks }: PolicyState,
  scope: BundleScope,
  name: string,
): HighWaterMark | undefined {
  return marks[`${scopeKeyOf(scope)}/${name}`];
}

/** The one name that bundles of a scope go by: one of another name would replace the rules without anybody noticing. */
export function nameIn({ scopes }: PolicyState, scope: BundleScope): string | undefined {
  const state = scopes[scopeKeyOf(scope)];
  return state?.active?.name ?? state?.canary?.name ?? state?.shadow?.name;
}

/**
 * The state with a bundle in its slot. What it has been promoted from (a canary or a shadow of its name) leaves its slot.
 * Throws `failed_precondition` for one scope too many.
 */
export function withBundle(
  state: PolicyState,
  placed: {
    readonly scope: BundleScope;
    readonly slot: BundleSlot;
    readonly bundle: StoredBundle;
  },
): PolicyState {
  const { scope, slot, bundle } = placed;
  const key = scopeKeyOf(scope);
  const behind = slots.slice(slots.indexOf(slot) + 1);
  const kept = Object.entries(state.scopes[key] ?? {}).filter(
    // The entries are those of a scope: its slots.
    ([name, other]) => !(behind.includes(name as BundleSlot) && other.name === bundle.name),
  );
  const scopes = { ...state.scopes, [key]: { ...Object.fromEntries(kept), [slot]: bundle } };
  if (Object.keys(scopes).length > scopesMax) {
    throw new HostError(
      'failed_precondition',
      `there are bundles of ${scopesMax} scopes; no more are taken`,
    );
  }
  const { revision, digest } = bundle;
  const marks = { ...state.marks, [`${key}/${bundle.name}`]: { revision, digest } };
  return { ...state, scopes, marks };
}

/** SHA-256 of every file of the store that the state needs. */
export function filesOf({ scopes, trustRoot }: PolicyState): ReadonlySet<string> {
  const bundles = Object.values(scopes).flatMap((scope) => Object.values(scope));
  const envelopes = bundles.map(({ envelope }) => envelope);
  return new Set(trustRoot === undefined ? envelopes : [...envelopes, trustRoot]);
}

/** The state as the text of its file, with a digest of itself. */
export function writeState(state: PolicyState): string {
  // It is JSON but for members that are undefined, which are left out.
  const body = JSON.parse(JSON.stringify(state)) as JsonObject; // oxlint-disable-line no-restricted-properties -- our own text
  const sha256 = sha256Hex(canonicalJson(body));
  return `${JSON.stringify({ format, version: 1, sha256, state: body })}\n`;
}

/** Reads such a text; undefined when it is no state, or when any of it was changed. */
export function readState(text: string): PolicyState | undefined {
  const file = parse(text);
  if (!isJsonObject(file) || file['format'] !== format || file['version'] !== 1) return undefined;
  const { state } = file;
  if (!isJsonObject(state) || file['sha256'] !== sha256Hex(canonicalJson(state))) return undefined;
  // Its digest says that we have written it, all of it.
  return { ...emptyState, ...(state as unknown as PolicyState) };
}

function parse(text: string): Json | undefined {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}
