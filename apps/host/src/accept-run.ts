import { createHash } from 'node:crypto';
import { decisionFacts, labelsOfInput } from '@modelhost/agent-core';
import type { SessionIntake, SessionStart } from '@modelhost/agent-core';
import {
  canonicalJson,
  HostError,
  joinLabels,
  noHistory,
  noStatistics,
  plainLabels,
  toErrorData,
} from '@modelhost/kernel';
import type {
  AuditLog,
  AuditRecord,
  Clock,
  Decision,
  Ids,
  Json,
  JsonObject,
  Keys,
  PolicyEngine,
  PolicyRequest,
  Principal,
  Redactor,
  RunEngine,
  RunInput,
  SessionStore,
  ToolGateway,
} from '@modelhost/kernel';
import { toBase36 } from './clock.ts';
import type { CheckedSpec } from './grpc/read-run-spec.ts';
import type { CallContext } from './grpc/service.ts';
import { hideInput } from './redaction/hide-input.ts';
import type { RunStarts } from './runs/run-starts.ts';
import { findSession } from './sessions/find-session.ts';

/** An input goes on record, where policy wants that, up to this size. */
const sealedBytesMax = 64 * 1024;

/** What taking a run in needs. */
export interface AcceptRunPorts {
  readonly engine: RunEngine;
  readonly policy: PolicyEngine;
  readonly audit: AuditLog;
  readonly keys: Keys;
  readonly redactor: Redactor;
  readonly tools: Pick<ToolGateway, 'listTools'>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly sessions: Pick<SessionStore, 'find'>;
  readonly intake: Pick<SessionIntake, 'start'>;
  readonly starts: Pick<RunStarts, 'announce'>;
}

/** A run that was taken in. */
export interface AcceptedRun {
  readonly runId: string;
  /** False when the request_id was used before, for this same run. */
  readonly created: boolean;
}

/**
 * Asks policy whether the agent may take the input, puts the answer on record and starts the run with what is left of the input
 * once everything is hidden that has to be. A run of a session waits for the runs before it, until the signal aborts or most of the
 * time of the call is over. Idempotent on the request id: it names the run. Throws `policy_violation`, `validation_failed`, `not_found` for a session, `request_conflict`,
 * `draining`, `overloaded`, `audit_unavailable`.
 */
export async function acceptRun(
  ports: AcceptRunPorts,
  { principal, signal, timeoutMs }: CallContext,
  spec: CheckedSpec,
): Promise<AcceptedRun> {
  const input = inputOf(ports, principal, spec);
  const { runId } = input;
  const { sessionId } = spec;
  const isKnown = (await ports.engine.status(principal.tenant, runId)) !== undefined;
  // The engine alone compares the requests; a conflict says nothing against the run that has the id.
  if (isKnown) return { runId, ...(await startAgain(ports, input)) };
  if (sessionId === '') return { runId, ...(await startNew(ports, input)) };
  await findSession(ports.sessions, principal, sessionId, 'own');
  const wish = { principal, sessionId, runId, signal, timeoutMs };
  const { created } = await ports.intake.start(wish, async (start) =>
    start === undefined ? startAgain(ports, input) : startNew(ports, withSession(input, start)),
  );
  return { runId, created };
}

function withSession(input: RunInput, { placeholders, ...start }: SessionStart): RunInput {
  return { ...input, ...start, ...(placeholders === null ? {} : { placeholders }) };
}

async function startAgain(
  { engine, redactor }: AcceptRunPorts,
  input: RunInput,
): Promise<{ created: boolean }> {
  const hidden = await hideInput(redactor, input, {});
  return engine.start(hidden.input);
}

async function startNew(ports: AcceptRunPorts, input: RunInput): Promise<{ created: boolean }> {
  const admitted = await admitRun(ports, input, {});
  return startAdmitted(ports, input, async () => ports.engine.start(admitted));
}

/**
 * Asks policy, puts the answer on record with these facts, and gives what is left of the input once everything is hidden that has to be.
 * Throws `policy_violation`.
 */
export async function admitRun(
  ports: AcceptRunPorts,
  input: RunInput,
  more: JsonObject,
): Promise<RunInput> {
  const { policy, audit, redactor } = ports;
  const text = JSON.stringify([input.input, input.history]);
  const decision = await policy.decide(questionOf(ports, input, text));
  const isAllowed = decision.effect === 'allow';
  const { labels, audit: level, redact } = decision.obligations;
  const hidden = isAllowed
    ? await hideInput(redactor, input, redact.detectors)
    : { input, found: {} };
  const sealed = level === 'full' ? sealInput(ports, input, text) : {};
  const kind = isAllowed ? 'run-accepted' : 'run-refused';
  await audit.append(
    recordOf(input, kind, {
      ...decisionFacts(decision, 'AcceptInput'),
      ...(Object.keys(hidden.found).length === 0 ? {} : { found: hidden.found }),
      ...sealed,
      ...more,
    }),
  );
  if (!isAllowed) throw refusal(decision);
  // A fork has those of the run that it comes from, too.
  return { ...hidden.input, labels: joinLabels(input.labels ?? plainLabels, labels) };
}

/** Starts what was admitted, and tells those who watch. */
export async function startAdmitted(
  { audit, starts }: AcceptRunPorts,
  input: Pick<RunInput, 'principal' | 'runId'>,
  start: () => Promise<{ created: boolean }>,
): Promise<{ created: boolean }> {
  try {
    const { created } = await start();
    if (created) starts.announce(input.principal, input.runId);
    return { created };
  } catch (thrown) {
    // A run that the engine does not take, because it is full or drains, must not stand as accepted alone.
    const { code } = toErrorData(thrown);
    // A fork is admitted on its way in: what policy refused is on record already, with its rules.
    if (code === 'policy_violation') throw thrown;
    await audit.append({ ...placeOf(input), kind: 'run-refused', facts: { code } });
    throw thrown;
  }
}

function questionOf(
  { clock, tools }: AcceptRunPorts,
  input: RunInput,
  text: string,
): PolicyRequest {
  const { runId, principal, agent, clientTools, bundle } = input;
  const known = [...tools.listTools(principal.tenant), ...clientTools];
  return {
    principal,
    agent: agent.id,
    isDelegated: true,
    ...(bundle === undefined ? {} : { bundle }),
    action: 'AcceptInput',
    resource: { type: 'agent', id: agent.id, inputBytes: Buffer.byteLength(text) },
    context: {
      runId,
      nowMs: clock.now(),
      callDigest: '',
      spent: noStatistics,
      approval: undefined,
      labels: labelsOfInput(input, known),
      evidence: undefined,
      history: noHistory,
    },
  };
}

/** The input as it goes on record where policy wants that: sealed up to a size, above it by its keyed digest alone. */
function sealInput({ keys }: AcceptRunPorts, { principal }: RunInput, text: string): JsonObject {
  const context = `${principal.tenant}/input`;
  const isSealable = Buffer.byteLength(text) <= sealedBytesMax;
  return {
    inputCommit: keys.commit(text, context),
    sealedInput: isSealable ? { ...keys.seal(text, context) } : null,
  };
}

function inputOf(ports: AcceptRunPorts, principal: Principal, spec: CheckedSpec): RunInput {
  const { requestId, sessionId, ...given } = spec;
  const runId = runIdOf(ports, principal, requestId);
  return {
    runId,
    principal,
    ...given,
    requestDigest: digestRequest(ports, principal, { ...given, sessionId }),
  };
}

/** The same for the same request of the same caller, where they have given it an id. */
export function runIdOf(
  { ids }: Pick<AcceptRunPorts, 'ids'>,
  { tenant, subject }: Principal,
  requestId: string,
): string {
  if (requestId === '') return ids.create('run');
  return `run_${toBase36(digest([tenant, subject, requestId]))}`;
}

/** What is started is not what was sent, which alone says whether a request is the same as before. */
function digestRequest(
  { keys }: AcceptRunPorts,
  { tenant }: Principal,
  given: Omit<CheckedSpec, 'requestId'>,
): string {
  try {
    // It is JSON but for members that are undefined, and those canonicalJson writes as null.
    return keys.commit(canonicalJson(given as unknown as Json), `${tenant}/request`);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new HostError('validation_failed', 'the request is nested too deeply', { cause });
  }
}

function digest(parts: readonly string[]): Uint8Array {
  return createHash('sha256').update(canonicalJson(parts)).digest();
}

function recordOf(
  { principal, runId, agent, session }: RunInput,
  kind: AuditRecord['kind'],
  decided: JsonObject,
): AuditRecord {
  const within = session === undefined ? {} : { sessionId: session.sessionId };
  const facts = { agent: agent.id, agentVersion: agent.version, ...within, ...decided };
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
