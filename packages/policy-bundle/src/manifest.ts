import { isJsonObject, type Json } from '@modelhost/kernel';
import {
  findWrongField,
  isTenant,
  listOf,
  namePattern,
  numberOf,
  ruleOf,
  textOf,
  time,
  type FieldRule,
} from './fields.ts';
import { accept, refuse, type Reading } from './refusals.ts';
import { minimumPattern } from './versions.ts';

/** Whose requests a bundle decides. */
export type BundleScope = 'platform' | { readonly tenant: string };

/** What a bundle says of itself. */
export interface BundleManifest {
  readonly formatVersion: 1;
  readonly name: string;
  readonly scope: BundleScope;
  /** From 1; it never goes back, so old content comes back under a higher one. */
  readonly revision: number;
  /** RFC 3339 in UTC with seconds, as is `expires`. */
  readonly notBefore: string;
  readonly expires: string;
  /** A bundle in shadow is decided beside the one in force, and only the differences are recorded. */
  readonly mode: 'enforce' | 'shadow';
  /** The lowest versions it can be decided by. */
  readonly requires: { readonly host: string; readonly cedar: string };
  /** Tenants for which a platform bundle is in force first; empty for all. */
  readonly canary: readonly string[];
}

/** A manifest with the files as they stand in the payload, not checked yet. */
interface Payload {
  readonly manifest: BundleManifest;
  readonly files: readonly Json[];
}

/** One format is written; a reader of the next one will know this one too. */
const formatVersion = 1;
const canaryTenantsMax = 1_000;
const version = textOf(minimumPattern, 'a version of three numbers, such as 0.2.0');

const requiresRules: Readonly<Record<string, FieldRule>> = { host: version, cedar: version };

const payloadRules: Readonly<Record<string, FieldRule>> = {
  formatVersion: numberOf(formatVersion, formatVersion),
  name: textOf(namePattern, '1 to 64 of a-z, 0-9 and "-", beginning with a letter'),
  scope: ruleOf(isScope, '"platform" or { "tenant": its name } and no more'),
  revision: numberOf(1, Number.MAX_SAFE_INTEGER),
  notBefore: time,
  expires: time,
  mode: textOf(/^(?:enforce|shadow)$/, '"enforce" or "shadow"'),
  requires: (value, place) => findWrongField(value, requiresRules, place),
  canary: listOf(isTenant, canaryTenantsMax, 'tenants'),
  files: ruleOf(Array.isArray, 'a list of files'),
};

/** Takes a payload apart. Files are left for `readFiles`. */
export function readManifest(payload: Json): Reading<Payload> {
  if (isJsonObject(payload) && payload['formatVersion'] !== formatVersion) {
    return refuse(
      'format-version',
      `formatVersion: must be ${formatVersion}; use a host that knows the later format, or build it with this one`,
    );
  }
  const problem = findWrongField(payload, payloadRules, '') ?? findContradiction(payload);
  if (problem !== undefined) {
    return refuse('manifest', `${problem}; correct it and build the bundle again`);
  }
  // Each member was checked by the rule of its name, and there are no others.
  const { files, ...manifest } = payload as unknown as BundleManifest & Pick<Payload, 'files'>;
  return accept({ manifest, files });
}

/** Whether two scopes are the same. */
export function isSameScope(a: BundleScope, b: BundleScope): boolean {
  return describeScope(a) === describeScope(b);
}

/** A scope as it stands in the scopes of a key: `platform` or `tenant:<name>`. */
export function describeScope(scope: BundleScope): string {
  return scope === 'platform' ? scope : `tenant:${scope.tenant}`;
}

function isScope(value: Json): boolean {
  if (!isJsonObject(value)) return value === 'platform';
  return Object.keys(value).length === 1 && isTenant(value['tenant']);
}

/** What single fields cannot say. */
function findContradiction(payload: Json): string | undefined {
  // The rules passed.
  const { notBefore, expires, scope, canary } = payload as unknown as BundleManifest;
  // Both are in the one form, which sorts by time.
  if (notBefore >= expires) return 'expires: must be later than notBefore';
  if (scope !== 'platform' && canary.length > 0) {
    return 'canary: must be empty in a bundle of one tenant';
  }
  return undefined;
}
