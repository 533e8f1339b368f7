import type { DecisionLog } from '@modelhost/decision-log';
import { HostError } from '@modelhost/kernel';
import type { Clock, Principal } from '@modelhost/kernel';
import { verifyBundle } from '@modelhost/policy-bundle';
import { cedarVersion, compileRuleSet, replayDecisions } from '@modelhost/policy-engine';
import type { DecisionPoint, RehearsalReport, RuleSet } from '@modelhost/policy-engine';
import { contentOf, loadedFrom, sourceOf } from './activate-bundle.ts';
import type { PolicyRules } from './policy-rules.ts';

/** Who asks what of a candidate. */
export interface RehearsalQuestion {
  readonly envelope: Uint8Array;
  readonly sinceMs: number;
  readonly principal: Principal;
}

const bound = { decisionsMax: 100_000, groupsMax: 500, examplesMax: 5 };

/** Asks a candidate, which may have any revision, about the decisions of one tenant. Throws `validation_failed` for one that is not good. */
export async function rehearse(
  { envelope, sinceMs, principal }: RehearsalQuestion,
  parts: {
    readonly rules: PolicyRules;
    readonly engine: DecisionPoint;
    readonly decisions: DecisionLog;
    readonly clock: Clock;
    readonly hostVersion: string;
    readonly signal: AbortSignal;
  },
): Promise<RehearsalReport> {
  const { rules, engine, decisions, clock, hostVersion, signal } = parts;
  const nowMs = clock.now();
  const trust = await rules.trustRoot();
  const verified = verifyBundle(envelope, { trust, nowMs, hostVersion, cedarVersion });
  if (verified.type === 'refused') throw new HostError('validation_failed', verified.message);
  const ruleSet = await compile(verified.bundle, signal);
  const loaded = loadedFrom(
    { verified, slot: 'active', by: principal, ruleSet },
    { envelope: '', atMs: nowMs },
  );
  return replayDecisions({
    recorded: decisions.recorded({ tenant: principal.tenant, sinceMs }),
    candidate: engine.asIf(rules.asIf(loaded)),
    bound,
    signal,
  });
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
