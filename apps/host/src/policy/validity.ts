import type { DecisionReason } from '@modelhost/kernel';
import type { InForce, LoadedBundle } from './in-force.ts';
import type { BundleStatus } from './policy-control.ts';

/** How a bundle stands. Past its end it decides for the grace; then nothing is decided by it, and everything is denied. */
export function validityOf(
  { expiresAtMs }: LoadedBundle,
  nowMs: number,
  graceMs: number,
): BundleStatus['validity'] {
  if (nowMs < expiresAtMs) return 'valid';
  return nowMs < expiresAtMs + graceMs ? 'grace' : 'expired';
}

/** The denial of whoever an expired bundle would have decided about. */
export function expiredReason(
  inForce: InForce,
  tenant: string,
  { nowMs, graceMs }: { readonly nowMs: number; readonly graceMs: number },
): DecisionReason | undefined {
  const expired = inForce
    .decidingFor(tenant)
    .find((bundle) => validityOf(bundle, nowMs, graceMs) === 'expired');
  if (expired === undefined) return undefined;
  const { name, revision } = expired.stored;
  const message = `the policy bundle ${name}@${revision} has expired; a newer one has to be activated`;
  return { rule: 'policy-expired', message };
}
