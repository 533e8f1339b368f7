import type { Decision, RunEventBody } from '@modelhost/kernel';

/** A decision as an event. */
export function decisionEvent(options: {
  readonly callId: string;
  readonly action: string;
  readonly resource: string;
  readonly decision: Decision;
}): RunEventBody {
  const { decision, ...subject } = options;
  return {
    type: 'decision',
    ...subject,
    effect: decision.effect,
    reasons: decision.reasons,
    obligations: decision.obligations,
    policyDigest: decision.policyDigest,
  };
}

/** What a decision says to the model and to people, without a value of an argument. */
export function reasonsText(decision: Decision): string {
  return decision.reasons.map(({ rule, message }) => `${message} (${rule})`).join('; ');
}

/** The same for one that does not allow something, with what would lift a hold. */
export function refusalText(decision: Decision): string {
  const reasons = reasonsText(decision);
  return decision.effect === 'hold'
    ? `it needs ${decision.remedies.join(' and ')} (${reasons})`
    : reasons;
}
