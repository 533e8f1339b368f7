import type { InForce, LoadedBundle } from './in-force.ts';
import type { BundleStatus, PolicyProblem, PolicyStatus } from './policy-control.ts';
import { scopeKeyOf, slots } from './policy-state.ts';
import type { Shadows } from './shadows.ts';
import { validityOf } from './validity.ts';

/** What a status is made of. */
export interface StatusParts {
  readonly inForce: InForce;
  readonly shadows: Shadows;
  readonly nowMs: number;
  readonly graceMs: number;
  /** Of a tenant; undefined for the bundles of everybody. */
  readonly tenant: string | undefined;
}

/** Bundles that a tenant may know of, the platform's first. */
export function bundleStatuses(parts: StatusParts): readonly BundleStatus[] {
  const { inForce, tenant } = parts;
  return inForce.bundles
    .filter(({ scope }) => scope === 'platform' || tenant === undefined || scope.tenant === tenant)
    .map((bundle) => statusOf(bundle, parts))
    .sort((one, other) => (placeOf(one) < placeOf(other) ? -1 : 1));
}

function statusOf(
  bundle: LoadedBundle,
  { shadows, nowMs, graceMs, tenant }: StatusParts,
): BundleStatus {
  const { scope, slot, stored, manifest, signedBy } = bundle;
  const { canary } = manifest;
  return {
    name: stored.name,
    scope,
    revision: stored.revision,
    digest: stored.digest,
    slot,
    notBefore: manifest.notBefore,
    expires: manifest.expires,
    validity: validityOf(bundle, nowMs, graceMs),
    // Who else is a tenant of this host is nobody's business.
    canary: tenant === undefined ? canary : canary.filter((name) => name === tenant),
    signedBy,
    activatedAtMs: stored.activatedAtMs,
    activatedBy: stored.activatedBy,
    shadow: shadows.statisticsOf(bundle),
  };
}

/** `platform` comes before `tenant/…`. */
function placeOf({ scope, slot }: BundleStatus): string {
  return `${scopeKeyOf(scope)} ${slots.indexOf(slot)}`;
}

/**
 * `down` when the platform's bundles, or without them all, are past their grace: then everything is denied. One tenant's
 * bundle only degrades the host, since the others are served.
 */
export function stateOf(
  bundles: readonly BundleStatus[],
  problems: readonly PolicyProblem[],
): PolicyStatus['state'] {
  const deciding = bundles.filter(({ slot }) => slot !== 'shadow');
  const platform = deciding.filter(({ scope }) => scope === 'platform');
  const needed = platform.length > 0 ? platform : deciding;
  const isDown = needed.length > 0 && needed.every(({ validity }) => validity === 'expired');
  if (isDown) return 'down';
  const isWell = deciding.every(({ validity }) => validity === 'valid') && problems.length === 0;
  return isWell ? 'up' : 'degraded';
}

/** What keeps policy from being well, in one line; undefined when nothing does. */
export function whyUnwell({ bundles, problems }: PolicyStatus): string | undefined {
  const lines = [
    ...bundles
      .filter(({ slot, validity }) => slot !== 'shadow' && validity !== 'valid')
      .map(({ name, revision, expires, validity }) =>
        validity === 'grace'
          ? `${name}@${revision} expired at ${expires} and decides for the grace only`
          : `${name}@${revision} expired at ${expires}, so everything is denied`,
      ),
    ...problems.map(({ where, message }) => `${where}: ${message}`),
  ];
  return lines.length === 0 ? undefined : lines.join('; ').slice(0, reasonLengthMax);
}

const reasonLengthMax = 2_000;
