import { isJsonObject, type Json } from '@modelhost/kernel';
import { digestOf } from './bundle.ts';
import { readCanonical } from './canonical.ts';
import { signaturesMax } from './envelope.ts';
import {
  findWrongField,
  isTenant,
  listOf,
  numberOf,
  ruleOf,
  textOf,
  time,
  type FieldRule,
} from './fields.ts';
import { readPublicKey } from './keys.ts';
import { accept, refuse, type Reading } from './refusals.ts';
import type { KeyScope, TrustKey } from './signatures.ts';
import { phaseOf, type Moment } from './times.ts';

/** Who may sign what. Comes from `readTrustRoot` only, which has checked it. */
export interface TrustRoot {
  /** From 1; each root is one above the one before it. */
  readonly version: number;
  /** RFC 3339 in UTC with seconds. Past it no new bundle is taken. */
  readonly expires: string;
  readonly keys: readonly TrustKey[];
  /** How many distinct keys have to sign a root, a bundle of the platform, a bundle of a tenant. */
  readonly thresholds: Readonly<Record<TrustRole, number>>;
  /** Ids of keys that count no more, even where they are listed. They never come back. */
  readonly revoked: readonly string[];
  /** SHA-256 of the payload in hex; operators pin it. */
  readonly digest: string;
}

/** What thresholds are set for. */
export type TrustRole = 'root' | 'platform' | 'tenant';

/** Names what the payload of a trust root's envelope is. */
export const trustRootPayloadType = 'application/vnd.modelhost.trust-root.v1+json';
/** Of the whole envelope. */
export const trustRootBytesMax = 262_144;

const keysMax = 64;
const scopesMax = 256;
const revokedMax = 1_024;
const keyIdPattern = /^[0-9a-f]{64}$/;
const roles: readonly TrustRole[] = ['root', 'platform', 'tenant'];

const isKeyId = (value: Json): boolean => typeof value === 'string' && keyIdPattern.test(value);
const threshold = numberOf(1, signaturesMax);
const thresholdRules: Readonly<Record<string, FieldRule>> = {
  root: threshold,
  platform: threshold,
  tenant: threshold,
};

const keyRules: Readonly<Record<string, FieldRule>> = {
  keyId: textOf(keyIdPattern, 'a SHA-256 in lower-case hex'),
  publicKeyPem: ruleOf((value) => typeof value === 'string', 'a key in PEM'),
  scopes: listOf(isKeyScope, scopesMax, 'scopes: root, platform, tenant:* or tenant:<name>'),
  notAfter: time,
};

const rootRules: Readonly<Record<string, FieldRule>> = {
  formatVersion: numberOf(1, 1),
  version: numberOf(1, Number.MAX_SAFE_INTEGER),
  expires: time,
  keys: ruleOf(
    (value) => Array.isArray(value) && value.length <= keysMax,
    `a list of at most ${keysMax} keys`,
  ),
  thresholds: (value, place) => findWrongField(value, thresholdRules, place),
  revoked: listOf(isKeyId, revokedMax, 'key ids'),
};

/** Reads the payload of a root for all that it says of itself; with a moment, keys that are over by then do not count as usable. */
export function readRootPayload(payload: Buffer, moment: Moment | undefined): Reading<TrustRoot> {
  const canonical = readCanonical(payload);
  if (canonical.type === 'refused') return canonical;
  const problem = findWrongField(canonical.value, rootRules, '') ?? findWrongKey(canonical.value);
  if (problem !== undefined) return refuse('manifest', `${problem}; correct it and sign it again`);
  // Each member was checked by the rule of its name, and each key was too.
  const { version, expires, keys, thresholds, revoked } = canonical.value as unknown as TrustRoot;
  const digest = digestOf(payload);
  const root: TrustRoot = { version, expires, keys, thresholds, revoked, digest };
  for (const role of roles) {
    const usable = countUsable(root, role, moment);
    if (thresholds[role] <= usable) continue;
    return refuse(
      'threshold',
      `thresholds.${role}: ${thresholds[role]}, and only ${usable} usable keys have that scope; lower it or list more keys`,
    );
  }
  return accept(root);
}

function findWrongKey(root: Json): string | undefined {
  // The rule of `keys` passed.
  const keys = (isJsonObject(root) ? root['keys'] : []) as readonly Json[];
  const seen = new Set<string>();
  for (const [index, value] of keys.entries()) {
    const place = `keys[${index}]`;
    const problem = findWrongField(value, keyRules, place);
    if (problem !== undefined) return problem;
    // The rules passed.
    const key = value as unknown as TrustKey;
    const publicKey = readPublicKey(key.publicKeyPem);
    if (publicKey?.publicKeyPem !== key.publicKeyPem) {
      return `${place}.publicKeyPem: must be an Ed25519 or P-256 public key in PEM as \`createTrustRoot\` writes it`;
    }
    if (publicKey.keyId !== key.keyId) return `${place}.keyId: must be that of the key itself`;
    if (seen.has(key.keyId)) return `${place}.keyId: stands twice`;
    seen.add(key.keyId);
  }
  return undefined;
}

function isKeyScope(value: Json): boolean {
  if (value === 'root' || value === 'platform' || value === 'tenant:*') return true;
  return typeof value === 'string' && value.startsWith('tenant:') && isTenant(value.slice(7));
}

/** How many keys could sign for a role. Where tenants have keys of their own, the tenant that has fewest decides. */
function countUsable(root: TrustRoot, role: TrustRole, moment: Moment | undefined): number {
  const usable = root.keys.filter(
    ({ keyId, notAfter }) =>
      !root.revoked.includes(keyId) &&
      (moment === undefined || phaseOf(notAfter, moment) !== 'over'),
  );
  const countWith = (...scopes: readonly KeyScope[]): number =>
    usable.filter((key) => key.scopes.some((scope) => scopes.includes(scope))).length;
  if (role !== 'tenant') return countWith(role);
  const named = usable
    .flatMap(({ scopes }) => scopes)
    .filter((scope) => scope.startsWith('tenant:') && scope !== 'tenant:*');
  if (named.length === 0) return countWith('tenant:*');
  return Math.min(...named.map((scope) => countWith(scope, 'tenant:*')));
}
