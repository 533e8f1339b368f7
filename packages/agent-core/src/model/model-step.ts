import { HostError, toErrorData } from '@modelhost/kernel';
import type {
  BudgetKind,
  Decision,
  ErrorData,
  LlmProvider,
  Message,
  ModelRequest,
  ModelRoute,
  PolicyEngine,
  PolicyRequest,
  RunEventBody,
} from '@modelhost/kernel';
import type { GuardedContext, StepWork } from '../guarded-context.ts';
import { hideInError } from '../hiding/hide-in-event.ts';
import type { HiddenMessages } from '../hiding/hide-in-request.ts';
import { decisionEvent } from '../policy/decisions.ts';
import { isPlainAllow } from '../policy/obligations.ts';
import { createAnswerDraft } from './answer-draft.ts';
import type { AnswerDraft, ModelAnswer } from './answer-draft.ts';
import { answerBytesMax } from './tokens.ts';

/** What a model step needs. */
export interface ModelStepOptions {
  readonly context: GuardedContext;
  /** Name of the step. */
  readonly name: string;
  readonly route: ModelRoute;
  /** Throws `failed_precondition` when this host has no such provider. */
  readonly provider: () => LlmProvider;
  readonly policy: PolicyEngine;
  /** Puts the decision on record; resolves when it is durable. */
  readonly record: (decision: Decision, attempt: number) => Promise<void>;
  /** The same for a decision on showing the answer, where it is more than a plain ALLOW. */
  readonly recordOutput: (decision: Decision) => Promise<void>;
  /** Puts the answer on record, where policy wants that. */
  readonly recordAnswer: (text: string) => Promise<void>;
  /** What has no room for one more call beside so many lost ones; undefined when all has. */
  readonly exceededBy: (lostAttempts: number) => BudgetKind | undefined;
  readonly request: Omit<ModelRequest, 'idempotencyKey'>;
  readonly hiddenMessages: HiddenMessages;
  readonly inputTokens: number;
  /** Whether the answer may be shown; undefined when its deltas are no events of the run. */
  readonly outputQuestion: ((nowMs: number) => PolicyRequest) | undefined;
  readonly timeoutMs: number;
  readonly question: (nowMs: number) => PolicyRequest;
  /** Names the n-th call of the answer; own ids, because providers repeat theirs. */
  readonly callId: (index: number) => string;
  /** Called before it throws, where it was begun so often and nobody knows what the model said. */
  readonly onLost: (attempts: number) => void;
}

/**
 * Asks policy, streams one answer and gives it back whole. Deltas that are shown are emitted as they come. It throws only what
 * stopped the step from starting; everything else is a result.
 */
export async function takeModelStep(options: ModelStepOptions): Promise<ModelAnswer> {
  const { context, name, timeoutMs, route, onLost } = options;
  const sent: Sent = { keep: () => {} };
  const taken = await context.step(name, async (info) => answer(options, info, sent), {
    timeoutMs,
    onLost,
    events: (result) => eventsOf(result.routeId ?? route.id, result),
  });
  sent.keep();
  return taken;
}

/** What the step sends, to be kept once it is done. */
interface Sent {
  keep: () => void;
}

async function answer(options: ModelStepOptions, info: StepWork, sent: Sent): Promise<ModelAnswer> {
  const startedMs = info.now();
  const decision = await options.policy.decide(options.question(startedMs));
  const decidedAtMs = info.emit(decisionEventOf(options.route.id, decision));
  // The record of the decision becomes durable while the model is already thinking; the answer waits for it.
  const recorded = options.record(decision, info.attempt);
  const draft = createAnswerDraft({
    decision,
    decidedAtMs,
    lostAttempts: info.attempt - 1,
    startedMs,
    inputTokens: options.inputTokens,
    model: options.route.model,
    callId: options.callId,
    now: info.now,
    emitDelta: options.outputQuestion === undefined ? undefined : info.emit,
    redactor: info.redactor,
  });
  const exceeded = options.exceededBy(info.attempt - 1);
  if (decision.effect !== 'allow' || exceeded !== undefined) {
    const failure = await errorOf(recorded);
    const ended =
      failure === undefined && exceeded === undefined
        ? draft.end('denied')
        : draft.end('failed', failure ?? exceededError(exceeded));
    return withoutCall(options, ended);
  }
  const { detectors } = decision.obligations.redact;
  const hidden = options.hiddenMessages.hide(options.request.messages, info.redactor, detectors);
  sent.keep = hidden.keep;
  const { messages } = hidden;
  const work = { info, draft, messages, maxOutputTokens: limitOutput(options, decision) };
  const [failure, unrecorded] = await Promise.all([
    errorOf(read(options, work)),
    errorOf(recorded),
  ]);
  const isFull = [decision, draft.output()].some((asked) => asked?.obligations.audit === 'full');
  const unsealed = isFull ? await errorOf(options.recordAnswer(draft.written().text)) : undefined;
  const unaudited = unrecorded ?? unsealed;
  if (unaudited !== undefined) return draft.end('failed', unaudited);
  return endOf(options, work, failure);
}

interface ReadWork {
  readonly info: StepWork;
  readonly draft: AnswerDraft;
  readonly messages: readonly Message[];
  readonly maxOutputTokens: number;
}

/** How long the answer may be, with what policy demands. */
function limitOutput({ request }: ModelStepOptions, { obligations }: Decision): number {
  return Math.min(obligations.limits.maxOutputTokens ?? Infinity, request.maxOutputTokens);
}

/** An attempt that asked no model stands for the one before it, which was interrupted. */
function withoutCall({ inputTokens, request }: ModelStepOptions, ended: ModelAnswer): ModelAnswer {
  if (ended.lostAttempts === 0) return ended;
  const usage = { ...ended.usage, inputTokens, outputTokens: request.maxOutputTokens };
  return { ...ended, usage, lostAttempts: ended.lostAttempts - 1 };
}

function exceededError(budget: BudgetKind = 'tokens'): ErrorData {
  return {
    code: 'budget_exceeded',
    message: 'the model was interrupted, and the budget has no room to ask it again',
    facts: { budget },
  };
}

function endOf(
  options: ModelStepOptions,
  { info, draft }: ReadWork,
  failure: ErrorData | undefined,
): ModelAnswer {
  const isShowable = (draft.output()?.effect ?? 'allow') === 'allow';
  if (failure === undefined) return draft.end(isShowable ? 'answered' : 'denied');
  // The run itself learns of a stop later than its steps, and of a time-out of this one never.
  if (info.signal.aborted) {
    const isTimeout = info.signal.reason instanceof HostError;
    return isTimeout ? draft.end('failed', timeoutError(options)) : draft.end('stopped');
  }
  return draft.end(
    'failed',
    hideInError(failure, (text) => info.redactor.redact(text, {})),
  );
}

async function read(options: ModelStepOptions, work: ReadWork): Promise<void> {
  const { info, draft, messages, maxOutputTokens } = work;
  const request = {
    ...options.request,
    messages,
    maxOutputTokens,
    idempotencyKey: info.idempotencyKey,
  };
  const bytesMax = answerBytesMax(maxOutputTokens);
  let isDecided = options.outputQuestion === undefined;
  const provider = options.provider();
  // What was stopped meanwhile asks nobody, and costs nothing.
  info.signal.throwIfAborted();
  draft.ask();
  for await (const event of provider.stream(request, { signal: info.signal })) {
    if (event.type === 'done') {
      // First of all, so that what the provider reports is charged whatever becomes of the rest.
      draft.finish(event.stats);
      // Its calls are shown, though the answer says nothing.
      if (!isDecided && draft.bytes() > 0) await decideCalls(options, work);
      return;
    }
    if (!isDecided && event.type !== 'tool-call') {
      isDecided = true;
      // Leaving the iteration closes the connection to the provider, here and below.
      if (!(await mayShow(options, work))) return draft.finish('withheld');
    }
    draft.add(event);
    if (draft.bytes() > bytesMax) return draft.finish('runaway');
  }
  throw new HostError('provider_invalid_response', 'the answer of the provider has no end');
}

/** Asks policy whether the answer may be shown, once, before anything of it is. */
async function mayShow(options: ModelStepOptions, work: ReadWork): Promise<boolean> {
  const decision = await askOutput(options, work);
  if (decision === undefined) return true;
  await takeOutput(options, work, decision);
  return decision.effect === 'allow';
}

/** Asks policy what of calls alone may be shown. Whether they may be made is another question. */
async function decideCalls(options: ModelStepOptions, work: ReadWork): Promise<void> {
  const decision = await askOutput(options, work);
  if (decision?.effect === 'allow') await takeOutput(options, work, decision);
}

async function askOutput(
  { outputQuestion, policy }: ModelStepOptions,
  { info }: ReadWork,
): Promise<Decision | undefined> {
  return outputQuestion === undefined ? undefined : policy.decide(outputQuestion(info.now()));
}

async function takeOutput(
  options: ModelStepOptions,
  { info, draft }: ReadWork,
  decision: Decision,
): Promise<void> {
  const isPlain = isPlainAllow(decision);
  const atMs = isPlain ? info.now() : info.emit(outputEventOf(decision));
  draft.decideOutput({ decision, atMs });
  if (!isPlain) await options.recordOutput(decision);
}

/** The events that a model step emitted, from its result. */
function eventsOf(
  routeId: string,
  result: ModelAnswer,
): readonly { timeMs: number; body: RunEventBody }[] {
  const events: { timeMs: number; body: RunEventBody }[] = [
    { timeMs: result.decidedAtMs, body: decisionEventOf(routeId, result.decision) },
  ];
  if (result.output !== null) {
    events.push({ timeMs: result.output.atMs, body: outputEventOf(result.output.decision) });
  }
  const position = { text: 0, reasoning: 0 };
  for (const { type, length, timeMs } of result.cuts) {
    const from = position[type];
    position[type] += length;
    const text = result[type].slice(from, from + length);
    events.push({ timeMs, body: { type: `${type}-delta`, text } });
  }
  return events;
}

function decisionEventOf(resource: string, decision: Decision): RunEventBody {
  return decisionEvent({ callId: '', action: 'UseModel', resource, decision });
}

function outputEventOf(decision: Decision): RunEventBody {
  return decisionEvent({ callId: '', action: 'EmitOutput', resource: 'output', decision });
}

function timeoutError(options: ModelStepOptions): ErrorData {
  const { timeoutMs, route } = options;
  return {
    code: 'provider_timeout',
    message: `${route.provider} did not finish its answer in ${timeoutMs} ms`,
    facts: { provider: route.provider, timeout_ms: String(timeoutMs), phase: 'total' },
  };
}

async function errorOf(work: Promise<void>): Promise<ErrorData | undefined> {
  try {
    await work;
    return undefined;
  } catch (thrown) {
    return toErrorData(thrown);
  }
}

/** The assistant's message of an answer. */
export function messageOf(answerGiven: ModelAnswer): Message {
  return { role: 'assistant', content: answerGiven.text, toolCalls: answerGiven.toolCalls };
}
