import { canonicalJson, HostError, noStatistics, sha256Hex, toErrorData } from '@modelhost/kernel';
import type {
  AuditLog,
  AuditRecord,
  Decision,
  Json,
  JsonObject,
  Keys,
  PolicyEngine,
  Principal,
  ToolDefinition,
} from '@modelhost/kernel';
import { callFacts, decisionFacts, intentFacts } from './call-facts.ts';
import { reasonsText } from './decisions.ts';

/** A tool call outside any run, such as one of an MCP client. */
export interface DirectCall {
  /** A fresh id that stands in the place of a run's, in policy and on record. */
  readonly callId: string;
  readonly principal: Principal;
  /** Under which name it is asked for, in the place of an agent's. */
  readonly agent: string;
  readonly tool: ToolDefinition;
  /** Exactly what will be sent. */
  readonly arguments: JsonObject;
}

/** Takes direct calls through policy and audit. */
export interface CallGovernor {
  /**
   * Decides, puts decision and intent on record, performs, and records the outcome, which `outcomeOf` names. The intent is
   * durable before `perform` starts, unless the tool changes nothing. Throws `policy_violation`, `audit_unavailable`, or
   * what `perform` throws; nothing is returned that is not on record.
   */
  govern<T>(
    call: DirectCall,
    perform: () => Promise<T>,
    outcomeOf: (performed: T) => string,
  ): Promise<T>;
}

/** What a governor works with. */
export interface CallGovernorPorts {
  readonly policy: PolicyEngine;
  readonly audit: AuditLog;
  readonly keys: Keys;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** The same order as in a run: decision, intent, effect, outcome. A call that needs an approval is refused: nobody waits for it. */
export function createCallGovernor(ports: CallGovernorPorts): CallGovernor {
  const { policy, audit, keys, now } = ports;

  async function govern<T>(
    call: DirectCall,
    perform: () => Promise<T>,
    outcomeOf: (performed: T) => string,
  ): Promise<T> {
    const { callId: runId, principal, agent, tool, arguments: values } = call;
    const { tenant, subject } = principal;
    const argumentsText = canonicalJson(values);
    const callDigest = sha256Hex(canonicalJson([runId, tenant, subject, tool.name, argumentsText]));
    const context = { runId, nowMs: now(), callDigest, spent: noStatistics, approval: undefined };
    const resource = { type: 'tool', tool, arguments: values } as const;
    const decision = await policy.decide({
      principal,
      agent,
      action: 'CallTool',
      resource,
      context,
    });
    // What changes nothing starts at once: what goes on record is sealed and written meanwhile.
    const isHarmless = decision.effect === 'allow' && tool.effect === 'none';
    // Not on a log that is known to be broken: its calls would go on without a record.
    if (isHarmless) await audit.check();
    const begun = isHarmless ? settle(perform) : undefined;
    const about = callFacts(keys, tenant, tool.name, callDigest);
    const record = async (
      kind: AuditRecord['kind'],
      facts: Readonly<Record<string, Json>>,
    ): Promise<void> => {
      const place = { tenant, runId, step: 'call', actor: subject };
      await audit.append({ ...place, kind, facts: { ...about, ...facts } });
    };
    if (decision.effect !== 'allow') {
      await record('decision', { agent, ...decisionFacts(decision) });
      throw refusal(tool, decision);
    }
    // Both share one group commit.
    const intent = Promise.all([
      record('decision', { agent, ...decisionFacts(decision) }),
      record('intent', intentFacts(keys, tenant, tool, argumentsText)),
    ]);
    if (begun === undefined) await intent;
    const recorded = (begun ?? settle(perform)).then(async (ended) => {
      await record('outcome', toOutcome(ended, outcomeOf));
      return ended;
    });
    const [performed] = await Promise.all([recorded, intent]);
    if ('thrown' in performed) throw performed.thrown;
    return performed.value;
  }

  return { govern };
}

type Settled<T> = { readonly value: T } | { readonly thrown: unknown };

/** A call that failed has an outcome too, so its error waits until that is on record. */
async function settle<T>(perform: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await perform() };
  } catch (thrown) {
    return { thrown };
  }
}

function toOutcome<T>(
  performed: Settled<T>,
  outcomeOf: (value: T) => string,
): Readonly<Record<string, Json>> {
  if ('value' in performed) return { outcome: outcomeOf(performed.value), code: '' };
  const { code, facts } = toErrorData(performed.thrown);
  // Who gave up, or what nobody foresaw, says nothing of how far the call had come.
  const isUnknown = facts['sent'] === 'true' || code === 'cancelled' || code === 'internal';
  return { outcome: isUnknown ? 'unknown' : 'failed', code };
}

function refusal(tool: ToolDefinition, decision: Decision): HostError {
  const held = 'it needs an approval, which only a call of a run can wait for';
  const why =
    decision.effect === 'hold' ? `${held} (${reasonsText(decision)})` : reasonsText(decision);
  return new HostError('policy_violation', `${tool.name} may not be called: ${why}`, {
    facts: { action: 'CallTool', tool: tool.name, rule: decision.reasons[0]?.rule ?? '' },
  });
}
