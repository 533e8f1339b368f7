import type { MessageInitShape } from '@bufbuild/protobuf';
import { Confidentiality as Level, DecisionEffect } from '@modelhost/contracts';
import type {
  ApprovalGateSchema,
  DataLabelsSchema,
  DecisionSchema,
  ObligationsSchema,
} from '@modelhost/contracts';
import type {
  ApprovalGate,
  Confidentiality,
  DataLabels,
  Decision,
  DecisionReason,
  Obligations,
} from '@modelhost/kernel';

/** Effects as the contract has them. */
export const decisionEffects: Readonly<Record<Decision['effect'], DecisionEffect>> = {
  allow: DecisionEffect.ALLOW,
  deny: DecisionEffect.DENY,
  hold: DecisionEffect.HOLD,
};

/** Levels as the contract has them. */
export const confidentialities: Readonly<Record<Confidentiality, Level>> = {
  public: Level.PUBLIC,
  internal: Level.INTERNAL,
  confidential: Level.CONFIDENTIAL,
  secret: Level.SECRET,
};

/** What a decision is about, and what it says. */
export interface ToldDecision {
  readonly callId: string;
  readonly action: string;
  readonly resource: string;
  readonly effect: Decision['effect'];
  readonly reasons: readonly DecisionReason[];
  readonly obligations: Obligations;
  readonly policyDigest: string;
}

/** A decision as its message. */
export function toDecisionMessage(decision: ToldDecision): MessageInitShape<typeof DecisionSchema> {
  const { callId, action, resource, effect, reasons, obligations, policyDigest } = decision;
  return {
    callId,
    action,
    resource,
    effect: decisionEffects[effect],
    reasons: reasons.map(({ rule, message }) => ({ rule, message })),
    policyDigest,
    obligations: toObligationsMessage(obligations),
  };
}

/** Labels as their message. */
export function toLabelsMessage(labels: DataLabels): MessageInitShape<typeof DataLabelsSchema> {
  const { integrity, sources, confidentiality, compartments } = labels;
  return {
    untrusted: integrity === 'untrusted',
    sources: [...sources],
    confidentiality: confidentialities[confidentiality],
    compartments: [...compartments],
  };
}

/** A gate as its message. */
export function toGateMessage(gate: ApprovalGate): MessageInitShape<typeof ApprovalGateSchema> {
  const { approvers, quorum, isSelfApprovalAllowed } = gate;
  return { approvers: [...approvers], quorum, selfApprovalAllowed: isSelfApprovalAllowed };
}

function toObligationsMessage(
  obligations: Obligations,
): MessageInitShape<typeof ObligationsSchema> {
  const { redact, reveal, limits, transforms, labels, audit, notify } = obligations;
  const { maxOutputTokens, resultBytesMax, timeoutMsMax } = limits;
  return {
    redactDetectors: { ...redact.detectors },
    redactArguments: [...redact.arguments],
    reveal: Object.entries(reveal).map(([argument, detectors]) => ({
      argument,
      detectors: [...detectors],
    })),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens: BigInt(maxOutputTokens) }),
    ...(resultBytesMax === undefined ? {} : { resultBytesMax: BigInt(resultBytesMax) }),
    ...(timeoutMsMax === undefined ? {} : { timeoutMsMax: BigInt(timeoutMsMax) }),
    transforms: [...transforms],
    labels: toLabelsMessage(labels),
    audit,
    notify: [...notify],
  };
}
