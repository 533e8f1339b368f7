import { HostError } from '@modelhost/kernel';
import type { DecisionLogStatistics } from '@modelhost/decision-log';
import type { PoliciesConfig } from '../config/policies-schema.ts';
import type { LoadedBundle } from './in-force.ts';
import type { BundleStatus, PolicyProblem, PolicyStatus } from './policy-control.ts';
import { scopeKeyOf, slots } from './policy-state.ts';
import type { StoredBundle } from './policy-state.ts';
import type { Shadows } from './shadows.ts';
import { validityOf } from './validity.ts';

/** What a status is made of. */
export interface StatusParts {
  readonly policies: PoliciesConfig;
  readonly digest: string;
  /** Of everybody. */
  readonly bundles: readonly LoadedBundle[];
  readonly problems: readonly PolicyProblem[];
  readonly decisions: DecisionLogStatistics;
  readonly shadows: Shadows;
  readonly nowMs: number;
  /** Who may see it; undefined for the host itself. */
  readonly tenant: string | undefined;
}

/** Where policy stands, as far as the tenant may know. */
export function statusOf(parts: StatusParts): PolicyStatus {
  const { policies, digest, decisions, tenant } = parts;
  const problems = decisions.isFailing
    ? [...parts.problems, { where: 'decision log', message: 'decisions cannot be recorded' }]
    : parts.problems;
  const bundles = parts.bundles
    .filter(({ scope }) => scope === 'platform' || tenant === undefined || scope.tenant === tenant)
    .map((bundle) => bundleStatus(bundle, parts))
    .sort((one, other) => (placeOf(one) < placeOf(other) ? -1 : 1));
  const source = policies.directory === undefined ? 'bundles' : 'directory';
  return { state: stateOf(bundles, problems), source, digest, bundles, problems, decisions };
}

function bundleStatus(
  bundle: LoadedBundle,
  { policies, shadows, nowMs, tenant }: StatusParts,
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
    validity: validityOf(bundle, nowMs, policies.graceMs),
    // Who else is a tenant of this host is nobody's business.
    canary: tenant === undefined ? canary : canary.filter((name) => name === tenant),
    signedBy,
    activatedAtMs: stored.activatedAtMs,
    activatedBy: isSeenBy(tenant, stored) ? stored.activatedBy : 'another tenant',
    shadow: shadows.statisticsOf(bundle),
  };
}

function isSeenBy(tenant: string | undefined, { activatedByTenant }: StoredBundle): boolean {
  return tenant === undefined || activatedByTenant === '' || activatedByTenant === tenant;
}

/** `platform` comes before `tenant/…`. */
function placeOf({ scope, slot }: BundleStatus): string {
  return `${scopeKeyOf(scope)} ${slots.indexOf(slot)}`;
}

/**
 * `down` when the platform's bundles, or without them all, are past their grace: then everything is denied. One tenant's
 * bundle only degrades the host, since the others are served.
 */
function stateOf(
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

/** Throws `failed_precondition` with what keeps policy from being well, in one line. */
export function checkStatus({ bundles, problems }: PolicyStatus): void {
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
  if (lines.length === 0) return;
  throw new HostError('failed_precondition', lines.join('; ').slice(0, reasonLengthMax));
}

const reasonLengthMax = 2_000;
