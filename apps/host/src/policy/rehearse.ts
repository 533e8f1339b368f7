import type { DecisionLog } from '@modelhost/decision-log';
import { HostError } from '@modelhost/kernel';
import type { Clock, Principal } from '@modelhost/kernel';
import { verifyBundle } from '@modelhost/policy-bundle';
import { cedarVersion, compileRuleSet, replayDecisions } from '@modelhost/policy-engine';
import type { DecisionPoint, RehearsalReport, RuleSet } from '@modelhost/policy-engine';
import { contentOf, loadedFrom, sourceOf, whyNotBy } from './activate-bundle.ts';
import type { PolicyRules } from './policy-rules.ts';

/** Who asks what of a candidate. */
export interface RehearsalQuestion {
  readonly envelope: Uint8Array;
  readonly sinceMs: number;
  readonly principal: Principal;
}

const bound = { decisionsMax: 100_000, groupsMax: 500, examplesMax: 5 };

/** What a candidate is opened with. */
export interface CandidateParts {
  readonly rules: PolicyRules;
  readonly engine: DecisionPoint;
  readonly clock: Clock;
  readonly hostVersion: string;
  readonly signal: AbortSignal;
}

/** Asks a candidate, which may have any revision, about the decisions of one tenant. Throws `validation_failed` for one that is not good. */
export async function rehearse(
  { envelope, sinceMs, principal }: RehearsalQuestion,
  parts: CandidateParts & { readonly decisions: DecisionLog },
): Promise<RehearsalReport> {
  const { decisions, signal } = parts;
  return replayDecisions({
    recorded: decisions.recorded({ tenant: principal.tenant, sinceMs }),
    candidate: await openCandidate(envelope, principal, parts),
    bound,
    signal,
  });
}

/** As `openCandidate`, for who may put it in force. Throws `permission_denied` for everybody else. */
export async function openAdmitted(
  envelope: Uint8Array,
  principal: Principal,
  parts: CandidateParts,
): Promise<DecisionPoint> {
  const { rules, clock, hostVersion } = parts;
  const trust = await rules.trustRoot();
  const verified = verifyBundle(envelope, { trust, nowMs: clock.now(), hostVersion, cedarVersion });
  if (verified.type === 'refused') throw new HostError('validation_failed', verified.message);
  const why = whyNotBy(principal, verified.bundle.manifest.scope);
  if (why !== undefined) throw new HostError('permission_denied', why);
  return openCandidate(envelope, principal, parts);
}

/** Decides as if the bundle were the active one of its scope, beside what else is in force. Throws as `rehearse` does. */
async function openCandidate(
  envelope: Uint8Array,
  principal: Principal,
  { rules, engine, clock, hostVersion, signal }: CandidateParts,
): Promise<DecisionPoint> {
  const nowMs = clock.now();
  const trust = await rules.trustRoot();
  const verified = verifyBundle(envelope, { trust, nowMs, hostVersion, cedarVersion });
  if (verified.type === 'refused') throw new HostError('validation_failed', verified.message);
  const ruleSet = await compile(verified.bundle, signal);
  const loaded = loadedFrom(
    { verified, slot: 'active', by: principal, ruleSet },
    { envelope: '', atMs: nowMs },
  );
  return engine.asIf(rules.asIf(loaded));
}

async function compile(
  bundle: Parameters<typeof contentOf>[0],
  signal: AbortSignal,
): Promise<RuleSet> {
  try {
    return await compileRuleSet(sourceOf(bundle, contentOf(bundle)), { signal });
  } catch (thrown) {
    if (!(thrown instanceof HostError) || thrown.code !== 'config_invalid') throw thrown;
    throw new HostError('validation_failed', thrown.message, { cause: thrown });
  }
}
