import type {
  AuditRecord,
  Decision,
  ErrorData,
  Json,
  JsonObject,
  ToolCall,
  ToolDefinition,
} from '@modelhost/kernel';
import type { ActiveRun } from './active-run.ts';

/** Sealed arguments go on record up to this size; larger ones stand there by their keyed digest alone. */
const sealedBytesMax = 8 * 1024;

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

/** The decision and the intent, in one group commit; null once both are durable. */
export async function recordIntent(
  run: ActiveRun,
  call: CheckedCall,
  decision: Decision,
  attempt: number,
): Promise<ErrorData | null> {
  const context = `${run.input.principal.tenant}/arguments`;
  const isSealable = Buffer.byteLength(call.argumentsText) <= sealedBytesMax;
  const sealed = isSealable ? run.ports.keys.seal(call.argumentsText, context) : undefined;
  const [undecided, unintended] = await Promise.all([
    run.tryRecord(decisionRecord(run, call, decision)),
    run.tryRecord(
      recordOf(run, call, 'intent', {
        attempt,
        effect: call.tool.effect,
        executor: call.tool.executor,
        argumentsCommit: run.ports.keys.commit(call.argumentsText, context),
        sealedArguments: sealed === undefined ? null : { ...sealed },
      }),
    ),
  ]);
  return undecided ?? unintended;
}

/** A decision on a tool call, for the record. */
export function decisionRecord(run: ActiveRun, call: CheckedCall, decision: Decision): AuditRecord {
  return recordOf(run, call, 'decision', {
    action: 'CallTool',
    effect: decision.effect,
    rules: decision.reasons.map(({ rule }) => rule),
    policyDigest: decision.policyDigest,
  });
}

/** A record of a tool call: digests and codes, never an argument in the clear. */
export function recordOf(
  run: ActiveRun,
  call: CheckedCall,
  kind: AuditRecord['kind'],
  facts: Readonly<Record<string, Json>>,
): AuditRecord {
  const { principal, runId } = run.input;
  // The plain digest could be guessed from few possible arguments, so only its keyed digest goes on record.
  const callCommit = run.ports.keys.commit(call.callDigest, `${principal.tenant}/call`);
  return {
    kind,
    tenant: principal.tenant,
    runId,
    step: call.base,
    actor: principal.subject,
    facts: { tool: call.tool.name, callCommit, ...facts },
  };
}
