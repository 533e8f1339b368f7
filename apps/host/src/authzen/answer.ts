import type { Decision, JsonObject, Obligations } from '@modelhost/kernel';

/**
 * A decision as AuthZEN answers it: whether it is allowed, and why, in `context`. A hold is no yes; it names what would lift it. Obligations of a
 * kind that the caller says it does not keep make it a no (AuthZEN's obligations profile).
 */
export function toEvaluationAnswer(
  decision: Decision,
  supported: readonly string[] | undefined,
): JsonObject {
  const obligations = toObligations(decision.obligations);
  const missing = obligations
    .map(({ type }) => type)
    .filter((type) => supported !== undefined && !supported.includes(type));
  const reasons = [
    ...decision.reasons.map(({ rule, message }) => ({ id: rule, message })),
    ...missing.map((type) => ({
      id: 'obligation-unsupported',
      message: `the caller does not keep obligations of the type ${type}`,
    })),
  ];
  return {
    decision: decision.effect === 'allow' && missing.length === 0,
    context: {
      effect: missing.length > 0 && decision.effect === 'allow' ? 'deny' : decision.effect,
      reasons,
      obligations,
      policy_digest: decision.policyDigest,
      ...(decision.effect === 'hold'
        ? { remedies: decision.remedies, gates: toGates(decision) }
        : {}),
    },
  };
}

function toGates({ gates }: Extract<Decision, { readonly effect: 'hold' }>): readonly JsonObject[] {
  return gates.map(({ approvers, quorum, isSelfApprovalAllowed }) => ({
    approvers,
    quorum,
    self_approval_allowed: isSelfApprovalAllowed,
  }));
}

interface ObligationEntry extends JsonObject {
  readonly type: string;
}

function toObligations(obligations: Obligations): readonly ObligationEntry[] {
  const { redact, reveal, limits, transforms, labels, audit, notify } = obligations;
  const { integrity, sources, confidentiality, compartments } = labels;
  const hasLabels =
    integrity === 'untrusted' || confidentiality !== 'public' || compartments.length > 0;
  const hasRedaction = Object.keys(redact.detectors).length + redact.arguments.length > 0;
  return [
    ...(hasRedaction
      ? [{ type: 'redact', detectors: redact.detectors, arguments: redact.arguments }]
      : []),
    ...(Object.keys(reveal).length === 0 ? [] : [{ type: 'reveal', arguments: reveal }]),
    ...(Object.keys(limits).length === 0 ? [] : [{ type: 'limit', ...limits }]),
    ...transforms.map((operation) => ({ type: 'transform', operation })),
    ...(hasLabels ? [{ type: 'label', integrity, sources, confidentiality, compartments }] : []),
    ...(audit === 'standard' ? [] : [{ type: 'audit', level: audit }]),
    ...notify.map((channel) => ({ type: 'notification', channel })),
  ];
}
