import type { KeyScope, TrustKey, TrustRole, TrustRoot } from '@modelhost/policy-bundle';
import { keyIdOf } from '@modelhost/policy-bundle';
import type { TrustRootDraft } from '@modelhost/policy-bundle';
import { CommandError, exitCodes } from '../failure.ts';
import { toSeconds } from './bundle-yaml.ts';

/** A public key with what it may sign. */
export interface ListedKey {
  readonly publicKeyPem: string;
  readonly scopes: readonly KeyScope[];
}

/** What a new trust root should say, beside what the one before it says. */
export interface TrustRootWish {
  readonly keys: readonly ListedKey[];
  /** Ids of keys. */
  readonly revoke: readonly string[];
  readonly thresholds: Partial<Readonly<Record<TrustRole, number>>>;
  readonly rootDays: number;
  readonly keyDays: number;
  readonly nowMs: number;
}

const dayMs = 86_400_000;

/**
 * A first root, or the one after `previous`: its keys stay until they are revoked, a key that is given again gets new
 * scopes and a new end, and thresholds stay unless others are given.
 */
export function draftTrustRoot(
  wish: TrustRootWish,
  previous: TrustRoot | undefined,
): TrustRootDraft {
  const { keys, revoke, thresholds, rootDays, keyDays, nowMs } = wish;
  const notAfter = toSeconds(nowMs + keyDays * dayMs);
  const fresh = keys.map((key) => ({ ...key, notAfter }));
  const freshIds = new Set(fresh.map(({ publicKeyPem }) => keyIdOf(publicKeyPem)));
  const before = previous?.keys ?? [];
  const unknown = revoke.find((id) => !before.some(({ keyId }) => keyId === id));
  if (unknown !== undefined) {
    throw new CommandError(
      exitCodes.usage,
      `there is no key ${unknown} to revoke in the root before`,
      '`model-host policy keys show FILE` shows its keys',
    );
  }
  const kept = before.filter(({ keyId }) => !revoke.includes(keyId) && !freshIds.has(keyId));
  return {
    version: (previous?.version ?? 0) + 1,
    expires: toSeconds(nowMs + rootDays * dayMs),
    keys: [...kept.map(withoutId), ...fresh],
    thresholds: { ...(previous?.thresholds ?? { root: 1, platform: 1, tenant: 1 }), ...thresholds },
    revoked: [...(previous?.revoked ?? []), ...revoke],
  };
}

function withoutId({ publicKeyPem, scopes, notAfter }: TrustKey): Omit<TrustKey, 'keyId'> {
  return { publicKeyPem, scopes, notAfter };
}
