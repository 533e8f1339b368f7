import { createHash } from 'node:crypto';
import { canonicalJson, HostError, noStatistics, toErrorData } from '@modelhost/kernel';
import type {
  AuditLog,
  AuditRecord,
  Clock,
  Decision,
  Ids,
  JsonObject,
  PolicyEngine,
  Principal,
  RunEngine,
  RunInput,
} from '@modelhost/kernel';
import { toBase36 } from './clock.ts';
import type { CheckedSpec } from './grpc/read-run-spec.ts';

/** What taking a run in needs. */
export interface AcceptRunPorts {
  readonly engine: RunEngine;
  readonly policy: PolicyEngine;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** A run that was taken in. */
export interface AcceptedRun {
  readonly runId: string;
  /** False when the request_id was used before, for this same run. */
  readonly created: boolean;
}

/**
 * Asks policy whether the agent may take the input, puts the answer on record and starts the run. Idempotent on the
 * request id: it names the run. Throws `policy_violation`, `request_conflict`, `draining`, `overloaded`, `audit_unavailable`.
 */
export async function acceptRun(
  ports: AcceptRunPorts,
  principal: Principal,
  spec: CheckedSpec,
): Promise<AcceptedRun> {
  const input = inputOf(ports, principal, spec);
  const { runId } = input;
  const isKnown = ports.engine.status(principal.tenant, runId) !== undefined;
  // The engine alone compares the requests; a conflict says nothing against the run that has the id.
  const { created } = isKnown ? await ports.engine.start(input) : await startNew(ports, input);
  return { runId, created };
}

async function startNew(ports: AcceptRunPorts, input: RunInput): Promise<{ created: boolean }> {
  const { engine, policy, clock, audit } = ports;
  const { runId, principal, agent } = input;
  const decision = await policy.decide({
    principal,
    agent: agent.id,
    action: 'AcceptInput',
    resource: { type: 'agent', id: agent.id, inputBytes: inputBytesOf(input) },
    context: {
      runId,
      nowMs: clock.now(),
      callDigest: '',
      spent: noStatistics,
      approval: undefined,
    },
  });
  const isAllowed = decision.effect === 'allow';
  await audit.append(recordOf(input, isAllowed ? 'run-accepted' : 'run-refused', decision));
  if (!isAllowed) throw refusal(decision);
  try {
    return await engine.start(input);
  } catch (thrown) {
    // A run that the engine does not take, because it is full or drains, must not stand as accepted alone.
    const { code } = toErrorData(thrown);
    await audit.append({ ...placeOf(input), kind: 'run-refused', facts: { code } });
    throw thrown;
  }
}

function inputOf(ports: AcceptRunPorts, principal: Principal, spec: CheckedSpec): RunInput {
  const { requestId, ...given } = spec;
  const runId =
    requestId === ''
      ? ports.ids.create('run')
      : `run_${toBase36(digest([principal.tenant, principal.subject, requestId]))}`;
  return { runId, principal, ...given };
}

function digest(parts: readonly string[]): Uint8Array {
  return createHash('sha256').update(canonicalJson(parts)).digest();
}

function inputBytesOf({ input, history }: RunInput): number {
  return Buffer.byteLength(JSON.stringify([input, history]));
}

function recordOf(
  { principal, runId, agent }: RunInput,
  kind: AuditRecord['kind'],
  decision: Decision,
): AuditRecord {
  const facts: JsonObject = {
    action: 'AcceptInput',
    agent: agent.id,
    agentVersion: agent.version,
    effect: decision.effect,
    rules: decision.reasons.map(({ rule }) => rule),
    policyDigest: decision.policyDigest,
  };
  return { ...placeOf({ principal, runId }), kind, facts };
}

function placeOf({
  principal,
  runId,
}: Pick<RunInput, 'principal' | 'runId'>): Omit<AuditRecord, 'kind' | 'facts'> {
  return { tenant: principal.tenant, runId, step: '', actor: principal.subject };
}

function refusal(decision: Decision): HostError {
  const [first] = decision.reasons;
  const reasons = decision.reasons.map(({ rule, message }) => `${message} (${rule})`).join('; ');
  return new HostError('policy_violation', `the agent may not take this input: ${reasons}`, {
    facts: { action: 'AcceptInput', rule: first?.rule ?? '' },
  });
}
