import type {
  AuditRecord,
  Decision,
  ErrorData,
  Json,
  JsonObject,
  ToolCall,
  ToolDefinition,
} from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import { callFacts, decisionFacts, intentFacts } from '../policy/call-facts.ts';
import type { AnsweredCall } from './tool-verdict.ts';

/** A call of a turn, with the names that its steps are known by. */
export interface PlannedCall {
  readonly call: ToolCall;
  /** Prefix of the names of its steps, such as `turn-1/tool-2`. */
  readonly base: string;
}

/** A call whose tool is known and whose arguments fit. */
export interface CheckedCall extends PlannedCall {
  readonly tool: ToolDefinition;
  readonly values: JsonObject;
  readonly argumentsText: string;
  /** Digest of exactly this call: run, principal, tool and arguments. */
  readonly callDigest: string;
}

/** A call that policy lets run. */
export interface AllowedCall extends CheckedCall {
  readonly decision: Decision;
}

/** The decision and the intent, in one group commit; null once both are durable. */
export async function recordIntent(
  run: ActiveRun,
  call: CheckedCall,
  decision: Decision,
  about: Readonly<Record<string, Json>>,
): Promise<ErrorData | null> {
  const { tenant } = run.input.principal;
  const { tool, argumentsText } = call;
  const facts = intentFacts(run.ports.keys, tenant, tool, { argumentsText, decision });
  const [undecided, unintended] = await Promise.all([
    run.tryRecord(decisionRecord(run, call, decision)),
    run.tryRecord(recordOf(run, call, 'intent', { ...about, ...facts })),
  ]);
  return undecided ?? unintended;
}

/** A decision on a tool call, for the record. */
export function decisionRecord(run: ActiveRun, call: CheckedCall, decision: Decision): AuditRecord {
  return recordOf(run, call, 'decision', decisionFacts(decision, 'CallTool'));
}

/** A record of a tool call: digests and codes, never an argument in the clear. */
export function recordOf(
  run: ActiveRun,
  call: CheckedCall,
  kind: AuditRecord['kind'],
  facts: Readonly<Record<string, Json>>,
): AuditRecord {
  const { principal, runId } = run.input;
  return {
    kind,
    tenant: principal.tenant,
    runId,
    step: call.base,
    actor: principal.subject,
    facts: {
      ...callFacts(run.ports.keys, principal.tenant, call.tool.name, call.callDigest),
      ...facts,
    },
  };
}

/** The call, for what its tool answers. */
export function answeredOf({ tool, values, decision }: AllowedCall): AnsweredCall {
  return { tool, answers: values, obligations: decision.obligations };
}
