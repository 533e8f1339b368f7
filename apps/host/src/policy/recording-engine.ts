import { noObligations } from '@modelhost/kernel';
import type { Decision, DecisionReason, Obligations, PolicyRequest } from '@modelhost/kernel';
import type { LogEntry } from '@modelhost/decision-log';
import { allArguments } from '@modelhost/policy-engine';
import type { DecisionPoint } from '@modelhost/policy-engine';
import type { Logger } from 'pino';

/** What the engine is wrapped in. */
export interface RecordingOptions {
  readonly engine: DecisionPoint;
  readonly now: () => number;
  /** Why everything is denied to a tenant whatever the rules say; undefined when the rules decide. */
  readonly refusalOf: (tenant: string) => DecisionReason | undefined;
  /** Takes each decision. Must neither wait nor throw. */
  readonly follow: (entry: LogEntry) => void;
  readonly log: Logger;
}

/** The decision point with everything around it: expired rules deny, each decision is followed, and those to be told are told. */
export function createRecordingEngine(options: RecordingOptions): DecisionPoint {
  const { engine, now, refusalOf, follow, log } = options;

  async function decide(request: PolicyRequest): Promise<Decision> {
    const refusal = refusalOf(request.principal.tenant);
    const decision =
      refusal === undefined ? await engine.decide(request) : deny(refusal, engine.digest());
    follow({ timeMs: now(), request, decision });
    if (decision.obligations.notify.length > 0) notify(log, request, decision);
    return decision;
  }

  return {
    ...engine,
    decide,
    visible: async (asker, tools) =>
      refusalOf(asker.principal.tenant) === undefined ? engine.visible(asker, tools) : [],
    explain: async (request) => {
      const explanation = await engine.explain(request);
      const refusal = refusalOf(request.principal.tenant);
      if (refusal === undefined) return explanation;
      return { ...explanation, decision: deny(refusal, engine.digest()), changes: [] };
    },
  };
}

/** No rule says what is to be hidden, so that no argument is kept. */
const nothingKept: Obligations = {
  ...noObligations,
  redact: { detectors: {}, arguments: [allArguments] },
};

function deny(reason: DecisionReason, policyDigest: string): Decision {
  return {
    effect: 'deny',
    reasons: [reason],
    obligations: nothingKept,
    policyDigest,
    bundles: [],
  };
}

/** Names only: what was asked with stays out of the log. */
function notify(log: Logger, { principal, action, resource }: PolicyRequest, decision: Decision) {
  const { effect, obligations, reasons } = decision;
  log.warn(
    {
      channels: obligations.notify,
      tenant: principal.tenant,
      action,
      ...('tool' in resource ? { tool: resource.tool.name } : {}),
      effect,
      rules: reasons.map(({ rule }) => rule),
    },
    'policy asks to tell of a decision',
  );
}
