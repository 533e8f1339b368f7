import { isDeepStrictEqual } from 'node:util';
import {
  canonicalJson,
  HostError,
  isJsonObject,
  noHistory,
  noStatistics,
  plainLabels,
  sha256Hex,
  toErrorData,
} from '@modelhost/kernel';
import type {
  AuditLog,
  AuditRecord,
  CallHistory,
  Decision,
  Json,
  JsonObject,
  Keys,
  Obligations,
  PolicyEngine,
  PolicyRequest,
  Principal,
  Redactor,
  StepRedactor,
  ToolDefinition,
} from '@modelhost/kernel';
import type { CallLedger, PrincipalPast } from '../budgets/call-ledger.ts';
import { amountsOf } from '../budgets/call-sums.ts';
import type { CallAmounts } from '../budgets/call-sums.ts';
import { hideInError } from '../hiding/hide-in-event.ts';
import { callFacts, decisionFacts, intentFacts, resultFacts } from '../policy/call-facts.ts';
import { refusalText } from '../policy/decisions.ts';
import {
  forgedMessage,
  outgoingArguments,
  redactionFacts,
  revealFacts,
} from '../tools/outgoing.ts';
import { acceptAnswer, createTold } from './direct-result.ts';
import type { AnswerChange, AnsweredRequest, DirectResults } from './direct-result.ts';

/** A tool call outside any run, such as one of an MCP client. */
export interface DirectCall {
  /** A fresh id that stands in the place of a run's, in policy and on record. */
  readonly callId: string;
  readonly principal: Principal;
  /** Under which name it is asked for, in the place of an agent's. */
  readonly agent: string;
  readonly tool: ToolDefinition;
  /** As they were given. What is hidden always is hidden before anything is decided. */
  readonly arguments: JsonObject;
}

/** Takes direct calls through policy and audit. */
export interface CallGovernor {
  /**
   * Decides, puts decision and intent on record, performs within the limits that policy sets, with the arguments as they may
   * go out, and records the outcome. The intent is durable before `perform` starts, unless the tool changes nothing. Throws `policy_violation`, also for a result
   * that policy withholds, `audit_unavailable`, or what `perform` throws; nothing is returned that is not on record.
   */
  govern<T>(call: DirectCall, perform: Perform<T>, results: DirectResults<T>): Promise<T>;
}

/** What a governor works with. */
export interface CallGovernorPorts {
  readonly policy: PolicyEngine;
  readonly audit: AuditLog;
  readonly keys: Keys;
  readonly redactor: Redactor;
  /** What principals called before, shared with the runs. */
  readonly calls: CallLedger;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** What policy lets a call do. */
export interface PermittedCall {
  readonly limits: Obligations['limits'];
  /** Exactly what may be sent. */
  readonly arguments: JsonObject;
  /** For what is told before the answer is there, such as progress. */
  readonly told: () => Promise<AnswerChange>;
}

type Perform<T> = (permitted: PermittedCall) => Promise<T>;
type Recorder = (kind: AuditRecord['kind'], facts: Facts, mayRide?: boolean) => Promise<void>;
type Facts = Readonly<{ [name: string]: Json }>;

/** The same order as in a run: decision, intent, effect, outcome. A call that needs an approval is refused: nobody waits for it. */
export function createCallGovernor(ports: CallGovernorPorts): CallGovernor {
  const { policy, audit, keys, now } = ports;

  async function govern<T>(
    given: DirectCall,
    perform: Perform<T>,
    results: DirectResults<T>,
  ): Promise<T> {
    const { tenant } = given.principal;
    const session = ports.redactor.open({ tenant, sessionId: given.callId });
    const redactor = session.step();
    const call = { ...given, arguments: hideInValues(redactor, given.arguments) };
    const { agent, tool } = call;
    const argumentsText = canonicalJson(call.arguments);
    const asked = await ask(ports, call, argumentsText);
    const { decision, request } = asked;
    const record = recorderOf(ports, call, request.context.callDigest);
    const recordDecision = async (mayRide?: boolean): Promise<void> =>
      record('decision', { agent, ...decisionFacts(decision, 'CallTool') }, mayRide);
    if (decision.effect !== 'allow') {
      await recordDecision();
      throw refusal(tool, decision);
    }
    const outgoing = outgoingArguments({ session, redactor }, call.arguments, decision);
    if (outgoing.type === 'refused') {
      await Promise.all([recordDecision(), record('outcome', forgedFacts(outgoing.path))]);
      throw forged(tool, outgoing.path);
    }
    const { limits } = decision.obligations;
    const about = { asked: request, tool, decision, redactor };
    const told = createTold(policy, about, now);
    const permitted = { limits, arguments: outgoing.arguments, told };
    const attempt = async (): Promise<Settled<T>> => settle(async () => perform(permitted));
    // What changes nothing starts at once: what goes on record is sealed and written meanwhile.
    const isHarmless = tool.effect === 'none';
    // Not on a log that is known to be broken: its calls would go on without a record.
    if (isHarmless) await audit.check();
    const begun = isHarmless ? attempt() : undefined;
    const intended = {
      ...intentFacts(keys, tenant, tool, { argumentsText, decision }),
      ...revealFacts(outgoing),
    };
    // Both share one commit; of what changes nothing, with its outcome if that comes soon.
    const intent = Promise.all([
      recordDecision(isHarmless),
      record('intent', intended, isHarmless),
    ]);
    if (begun === undefined) await intent;
    const recorded = (begun ?? attempt()).then(async (ended) => {
      const answered = { ...about, nowMs: now() };
      const accepted = await accept(policy, answered, { ended, results, told });
      await recordOutcome(record, { keys, tenant, agent, decision, redactor }, accepted);
      return accepted.ended;
    });
    const [performed] = await Promise.all([recorded, intent]);
    if ('thrown' in performed) throw performed.thrown;
    return performed.value;
  }

  return { govern };
}

/** Asks policy about a call, with what its principal called before. */
async function ask(
  { policy, calls, now }: CallGovernorPorts,
  { callId: runId, principal, agent, tool, arguments: values }: DirectCall,
  argumentsText: string,
): Promise<{ readonly decision: Decision; readonly request: PolicyRequest }> {
  const { tenant, subject } = principal;
  // Of texts alone, what is canonical is what is usual.
  const callDigest = sha256Hex(JSON.stringify([runId, tenant, subject, tool.name, argumentsText]));
  const amounts = amountsOf(tool, values);
  const request: PolicyRequest = {
    principal,
    agent,
    isDelegated: false,
    action: 'CallTool',
    resource: { type: 'tool', tool, arguments: values },
    context: {
      runId,
      nowMs: now(),
      callDigest,
      spent: noStatistics,
      approval: undefined,
      // What the caller has seen is not known here: it speaks for itself.
      labels: plainLabels,
      evidence: undefined,
      history: noHistory,
    },
  };
  const { context } = request;
  const decision = await calls.decide(
    { principal, tool, amounts, nowMs: context.nowMs },
    async (past) =>
      policy.decide({ ...request, context: { ...context, history: directHistory(amounts, past) } }),
  );
  return { decision, request };
}

/** A direct call is a run of its own, with nothing before it. */
function directHistory(amounts: CallAmounts, past: PrincipalPast): CallHistory {
  const { callsLastHour, callsLastDay } = past;
  const sums: { [name: string]: { run: number; day: number } } = {};
  for (const [name, run] of Object.entries(amounts)) {
    sums[name] = { run, day: past.sums[name] ?? run };
  }
  return { ...noHistory, callsLastHour, callsLastDay, sums };
}

function recorderOf(
  { audit, keys }: CallGovernorPorts,
  { callId: runId, principal, tool }: DirectCall,
  callDigest: string,
): Recorder {
  const { tenant, subject } = principal;
  let about: Facts | undefined;
  return async (kind, facts, mayRide = false) => {
    // Not before anything is to be recorded: a call that changes nothing is on its way by then.
    about ??= callFacts(keys, tenant, tool.name, callDigest);
    const place = { tenant, runId, step: 'call', actor: subject };
    await audit.append({ ...place, kind, facts: { ...about, ...facts } }, { mayRide });
  };
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

/** How a call ended, once policy has seen its answer. */
interface Accepted<T> {
  readonly ended: Settled<T>;
  readonly facts: Facts;
  /** On the answer, where it is more than a plain ALLOW. */
  readonly decision: Decision | undefined;
  /** What the tool answered; undefined when it did not. */
  readonly text: (() => string) | undefined;
}

async function accept<T>(
  policy: PolicyEngine,
  request: AnsweredRequest,
  {
    ended,
    results,
    told,
  }: {
    readonly ended: Settled<T>;
    readonly results: DirectResults<T>;
    readonly told: PermittedCall['told'];
  },
): Promise<Accepted<T>> {
  const unanswered = { decision: undefined, text: undefined };
  if ('thrown' in ended) {
    const thrown = await hideInThrown(ended.thrown, told);
    return { ended: { thrown }, facts: failureFacts(ended.thrown), ...unanswered };
  }
  const { value } = ended;
  const facts = { outcome: results.outcomeOf(value), code: '' };
  const answer = results.answerOf(value);
  if (answer === undefined) {
    const hidden = await settle(async () => results.map(value, await told()));
    return 'value' in hidden
      ? { ended: hidden, facts, ...unanswered }
      : { ended: hidden, facts: withheldFacts(hidden.thrown), ...unanswered };
  }
  const { map } = results;
  const accepted = await acceptAnswer(policy, request, { value, answer, map });
  const { decision } = accepted;
  const { text } = answer;
  if ('value' in accepted) return { ended: { value: accepted.value }, facts, decision, text };
  const { withheld: thrown } = accepted;
  return { ended: { thrown }, facts: withheldFacts(thrown), decision, text };
}

function withheldFacts(thrown: unknown): Facts {
  return { outcome: 'withheld', code: toErrorData(thrown).code };
}

async function recordOutcome<T>(
  record: Recorder,
  about: {
    readonly keys: Keys;
    readonly tenant: string;
    readonly agent: string;
    readonly decision: Decision;
    readonly redactor: StepRedactor;
  },
  { facts, decision, text }: Accepted<T>,
): Promise<void> {
  const { keys, tenant, agent } = about;
  const isFull = [about.decision, decision].some((one) => one?.obligations.audit === 'full');
  const sealed = isFull && text !== undefined ? resultFacts(keys, tenant, text()) : {};
  const outcome = record('outcome', {
    ...facts,
    ...redactionFacts(about.redactor),
    ...sealed,
  });
  if (decision === undefined) return outcome;
  const accepted = { agent, ...decisionFacts(decision, 'AcceptToolResult') };
  await Promise.all([outcome, record('decision', accepted)]);
}

function failureFacts(thrown: unknown): Facts {
  const { code, facts } = toErrorData(thrown);
  // Who gave up, or what nobody foresaw, says nothing of how far the call had come.
  const isUnknown = facts['sent'] === 'true' || code === 'cancelled' || code === 'internal';
  return { outcome: isUnknown ? 'unknown' : 'failed', code };
}

function hideInValues(redactor: StepRedactor, values: JsonObject): JsonObject {
  const hidden = redactor.redactJson(values, {});
  // What nothing was found in goes on as the very object that it is.
  return isJsonObject(hidden) && Object.keys(redactor.found()).length > 0 ? hidden : values;
}

/** An error can say what its server wrote. */
async function hideInThrown(thrown: unknown, told: PermittedCall['told']): Promise<unknown> {
  if (!(thrown instanceof HostError)) return thrown;
  const error = toErrorData(thrown);
  const change = await settle(told);
  if ('thrown' in change) return withholdError(thrown, change.thrown);
  const { text: hide } = change.value;
  const { code, message, ...options } = hideInError(error, hide);
  const violations = thrown.violations.map(({ field, description }) => ({
    field,
    description: hide(description),
  }));
  const isSame =
    message === error.message &&
    isDeepStrictEqual([options.facts, violations], [error.facts, thrown.violations]);
  return isSame ? thrown : new HostError(code, message, { ...options, violations, cause: thrown });
}

/** It failed as it did, and that is all that may be said. */
function withholdError({ code, retryAfterMs }: HostError, refused: unknown): HostError {
  const { message, facts } = toErrorData(refused);
  return new HostError(code, message, {
    facts,
    cause: refused,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function forgedFacts(path: string): Facts {
  return { outcome: 'denied', code: 'policy_violation', forgedPlaceholder: path };
}

function forged({ name }: ToolDefinition, path: string): HostError {
  return new HostError('policy_violation', `${name} may not be called: ${forgedMessage(path)}`, {
    facts: { action: 'CallTool', tool: name, rule: 'placeholder-unknown' },
  });
}

function refusal(tool: ToolDefinition, decision: Decision): HostError {
  const isApprovable = decision.effect === 'hold' && decision.remedies.includes('approval');
  const why = `${refusalText(decision)}${isApprovable ? ', for which only a call of a run can wait' : ''}`;
  return new HostError('policy_violation', `${tool.name} may not be called: ${why}`, {
    facts: { action: 'CallTool', tool: tool.name, rule: decision.reasons[0]?.rule ?? '' },
  });
}
