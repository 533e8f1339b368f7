import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { PolicyMode, PolicyValidity, RuleState } from '@modelhost/contracts';
import type {
  ExplainDecisionResponseSchema,
  LoggedDecisionSchema,
  PolicyBundleSchema,
  ReplayGroupSchema,
  ReplayReportSchema,
} from '@modelhost/contracts';
import type { LoggedDecision } from '@modelhost/decision-log';
import { nameResource } from '@modelhost/policy-engine';
import type { DecisionGroup, Explanation, RehearsalReport } from '@modelhost/policy-engine';
import type { PolicyRequest } from '@modelhost/kernel';
import type { BundleStatus } from '../policy/policy-control.ts';
import { decisionEffects, toDecisionMessage } from './policy-message.ts';

const validities: Readonly<Record<BundleStatus['validity'], PolicyValidity>> = {
  valid: PolicyValidity.VALID,
  grace: PolicyValidity.GRACE,
  expired: PolicyValidity.EXPIRED,
};

const ruleStates: Readonly<Record<Explanation['rules'][number]['state'], RuleState>> = {
  applies: RuleState.APPLIES,
  'not-satisfied': RuleState.NOT_SATISFIED,
  failed: RuleState.FAILED,
};

/** A bundle that is in force as its message. */
export function toBundleMessage(bundle: BundleStatus): MessageInitShape<typeof PolicyBundleSchema> {
  const { name, scope, revision, digest, slot, canary, signedBy, validity, shadow } = bundle;
  return {
    name,
    tenant: scope === 'platform' ? '' : scope.tenant,
    revision: BigInt(revision),
    digest,
    mode: slot === 'shadow' ? PolicyMode.SHADOW : PolicyMode.ENFORCE,
    canaryTenants: [...canary],
    signedBy: [...signedBy],
    activateTime: timestampFromMs(bundle.activatedAtMs),
    activatedBy: bundle.activatedBy,
    notBefore: timestampFromMs(Date.parse(bundle.notBefore)),
    expireTime: timestampFromMs(Date.parse(bundle.expires)),
    validity: validities[validity],
    ...(shadow === undefined
      ? {}
      : {
          shadowDecisions: BigInt(shadow.decided),
          shadowDifferences: BigInt(shadow.differed),
          shadowDropped: BigInt(shadow.dropped),
        }),
  };
}

/** What a rehearsal has shown, as its message. */
export function toReplayMessage(
  report: RehearsalReport,
): MessageInitShape<typeof ReplayReportSchema> {
  const { policyDigest, period, decisions, unchanged, changed, undecidable } = report;
  return {
    policyDigest,
    decisions: BigInt(decisions),
    unchanged: BigInt(unchanged),
    changed: BigInt(changed),
    undecidable: BigInt(undecidable),
    complete: report.isComplete,
    ...(period === undefined
      ? {}
      : {
          firstTime: timestampFromMs(period.sinceMs),
          lastTime: timestampFromMs(period.untilMs),
        }),
    changes: report.changes.map((group) => ({ ...toGroup(group), ...group.key })),
    undecided: report.undecided.map((group) => ({
      ...toGroup(group),
      kind: 'undecidable',
      cause: group.key.rule,
      resource: group.key.resource,
    })),
    groupsOmitted: BigInt(report.groupsOmitted),
  };
}

function toGroup({
  decisions,
  examples,
}: DecisionGroup<unknown>): MessageInitShape<typeof ReplayGroupSchema> {
  return {
    decisions: BigInt(decisions),
    examples: examples.map(({ id, timeMs }) => ({
      decisionId: id,
      time: timestampFromMs(timeMs),
    })),
  };
}

/** An explanation of the decision about a request, as its message. */
export function toExplanationMessage(
  request: PolicyRequest,
  { decision, rules, changes }: Explanation,
): MessageInitShape<typeof ExplainDecisionResponseSchema> {
  const { action } = request;
  const resource = nameResource(request.resource);
  return {
    decision: toDecisionMessage({ ...decision, callId: '', action, resource }),
    rules: rules.map(({ id, set, effect, place, state, facts, unsatisfied }) => ({
      rule: id,
      kind: set === 'oblige' ? 'oblige' : effect,
      place,
      state: ruleStates[state],
      facts: [...facts],
      unsatisfied: [...unsatisfied],
    })),
    changes: changes.map(({ change, effect }) => ({ change, effect: decisionEffects[effect] })),
  };
}

/** A decision of the log as its message, without the values that it was about. */
export function toLoggedMessage(
  logged: LoggedDecision,
): MessageInitShape<typeof LoggedDecisionSchema> {
  const { id, timeMs, request, decision, shadow } = logged;
  const { principal, agent, action, context } = request;
  const resource = nameResource(request.resource);
  return {
    decisionId: id,
    time: timestampFromMs(timeMs),
    subject: principal.subject,
    agent,
    runId: context.runId,
    decision: toDecisionMessage({ ...decision, callId: '', action, resource }),
    ...(shadow === undefined
      ? {}
      : { shadowBundle: shadow.bundle, shadowEffect: decisionEffects[shadow.decision.effect] }),
  };
}
