import { HostError } from '@modelhost/kernel';
import type {
  AuditRecord,
  BudgetAmount,
  BudgetKind,
  DataLabels,
  Json,
  Message,
  PolicyRequest,
  Sampling,
  TokenUsage,
  ToolChoice,
  ToolDefinition,
  JsonObject,
  LlmProvider,
} from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import { exceededBy } from '../budgets/budget-ledger.ts';
import { elapsedMs } from '../elapsed.ts';
import { decisionFacts, resultFacts } from '../policy/call-facts.ts';
import { questionOf } from '../policy/policy-question.ts';
import type { ModelAnswer } from './answer-draft.ts';
import { takeModelStep } from './model-step.ts';
import type { ModelStepOptions } from './model-step.ts';
import { costOf, fitOutput } from './tokens.ts';

/** One call of the agent's model, for a turn of the run or for a tool server that asks for it. */
export interface ModelCall {
  /** Name of its step, which stands for its reservation too. */
  readonly name: string;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice: ToolChoice;
  readonly sampling: Sampling;
  readonly answerSchema: JsonObject | undefined;
  /** Estimated tokens of messages and tools. */
  readonly inputTokens: number;
  /** Of the messages, and of whatever else the answer could carry. */
  readonly labels: DataLabels;
  /** Whether the answer is part of the run's own text; of another no deltas are shown. */
  readonly isShown: boolean;
  /** What the record of the decision says beside the model. */
  readonly facts: Readonly<Record<string, Json>>;
  readonly callId: (index: number) => string;
}

/** What came of a model call. */
export type ModelCallOutcome =
  | { readonly kind: 'exceeded'; readonly budget: BudgetKind }
  /** The messages alone fill the model's window. */
  | { readonly kind: 'too-long' }
  | {
      readonly kind: 'taken';
      readonly answer: ModelAnswer;
      /** The budget that made the answer shorter than it could have been. */
      readonly limitedBy: BudgetKind | undefined;
    };

/** Sets the budget aside, asks policy, streams the answer and charges what it used. */
export async function callModel(run: ActiveRun, call: ModelCall): Promise<ModelCallOutcome> {
  const { context, ports } = run;
  const { name, inputTokens } = call;
  const fit = fitOutput({
    state: ports.budgets.state(run.budgetScope),
    route: run.terms.route(),
    inputTokens,
    maxOutputTokens: call.sampling.maxOutputTokens,
  });
  if (fit.kind !== 'fits') return fit;
  const amount = amountOf(run, { inputTokens, outputTokens: fit.maxOutputTokens });
  const reserved = ports.budgets.reserve(run.budgetScope, name, amount);
  if (reserved.kind === 'refused') return { kind: 'exceeded', budget: reserved.budget };

  context.emit(name, { type: 'step-started', kind: 'model' });
  const setAside = { inputTokens, maxOutputTokens: fit.maxOutputTokens };
  let lostAttempts = 0;
  let answer: ModelAnswer;
  try {
    answer = await askModel(run, call, {
      maxOutputTokens: fit.maxOutputTokens,
      onLost: (attempts) => {
        lostAttempts = attempts;
      },
    });
  } catch (thrown) {
    if (lostAttempts === 0) ports.budgets.release(run.budgetScope, name);
    else await settleLost(run, name, { ...setAside, attempts: lostAttempts });
    throw thrown;
  }
  settle(run, name, { ...setAside, answer });
  const { maxOutputTokens = Infinity } = answer.decision.obligations.limits;
  // An answer that policy made shorter says nothing of the budget.
  const limitedBy = maxOutputTokens < fit.maxOutputTokens ? undefined : fit.limitedBy;
  return { kind: 'taken', answer, limitedBy };
}

async function askModel(
  run: ActiveRun,
  call: ModelCall,
  { maxOutputTokens, onLost }: Pick<ModelStepOptions, 'onLost'> & { maxOutputTokens: number },
): Promise<ModelAnswer> {
  const { input, ports, context } = run;
  const route = run.terms.route();
  const { modelCallTimeoutMs } = input.agent;
  const { name, messages, tools, toolChoice, sampling, answerSchema, inputTokens } = call;
  const request = { model: route.model, messages, tools, toolChoice, sampling, answerSchema };
  return takeModelStep({
    context,
    name,
    route,
    provider: () => providerOf(run),
    policy: ports.policy,
    record: async (decision, attempt) =>
      recordModel(run, call, 'decision', { ...decisionFacts(decision, 'UseModel'), attempt }),
    recordOutput: async (decision) =>
      recordModel(run, call, 'decision', decisionFacts(decision, 'EmitOutput')),
    recordAnswer: async (text) =>
      recordModel(run, call, 'outcome', resultFacts(ports.keys, input.principal.tenant, text)),
    exceededBy: (attempts) => lossExceeds(run, { inputTokens, maxOutputTokens, attempts }),
    request: { ...request, maxOutputTokens },
    hiddenMessages: run.hiddenMessages,
    inputTokens,
    timeoutMs: modelCallTimeoutMs,
    question: (nowMs) => modelQuestion(run, call, { nowMs, maxOutputTokens }),
    outputQuestion: call.isShown ? (nowMs) => outputQuestion(run, call, nowMs) : undefined,
    callId: call.callId,
    onLost,
  });
}

function modelQuestion(
  run: ActiveRun,
  { labels, inputTokens }: ModelCall,
  { nowMs, maxOutputTokens }: { readonly nowMs: number; readonly maxOutputTokens: number },
): PolicyRequest {
  const { id, provider } = run.terms.route();
  const resource = { type: 'model', id, provider, inputTokens, maxOutputTokens } as const;
  return questionOf(run, { action: 'UseModel', resource, nowMs, labels });
}

function outputQuestion(run: ActiveRun, { labels }: ModelCall, nowMs: number): PolicyRequest {
  return questionOf(run, { action: 'EmitOutput', resource: { type: 'output' }, nowMs, labels });
}

async function recordModel(
  run: ActiveRun,
  { name, facts }: ModelCall,
  kind: AuditRecord['kind'],
  about: Readonly<Record<string, Json>>,
): Promise<void> {
  const { principal, runId } = run.input;
  await run.record({
    kind,
    tenant: principal.tenant,
    runId,
    step: name,
    actor: principal.subject,
    facts: { model: run.terms.route().id, ...about, ...facts },
  });
}

/** Looked up when it is needed: what runs go on with after a restart is the journal, not the configuration. */
function providerOf({ ports, terms }: ActiveRun): LlmProvider {
  const name = terms.route().provider;
  const provider = ports.providers.get(name);
  if (provider !== undefined) return provider;
  const known = [...ports.providers.keys()].slice(0, 8).join(', ');
  throw new HostError(
    'failed_precondition',
    `this host has no provider ${name}, which the run began with; there is ${known}`,
    { facts: { provider: name } },
  );
}

/** What one attempt may use. */
interface SetAside {
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
}

/** Attempts that were interrupted, each with all that was set aside for it. */
interface Loss extends SetAside {
  readonly attempts: number;
}

function lossOf(run: ActiveRun, { inputTokens, maxOutputTokens, attempts }: Loss): BudgetAmount {
  const usage = {
    inputTokens: attempts * inputTokens,
    outputTokens: attempts * maxOutputTokens,
  };
  return amountOf(run, usage, attempts);
}

/** What has no room for the loss beside all that is set aside. */
function lossExceeds(run: ActiveRun, loss: Loss): BudgetKind | undefined {
  return exceededBy(run.ports.budgets.state(run.budgetScope), lossOf(run, loss));
}

/** An attempt for which there was no room has asked no model. */
function attemptsWithin(run: ActiveRun, loss: Loss): number {
  let { attempts } = loss;
  while (attempts > 0 && lossExceeds(run, { ...loss, attempts }) !== undefined) attempts -= 1;
  return attempts;
}

/** What of an answer is charged and told. */
type Charged = Pick<
  ModelAnswer,
  'usage' | 'model' | 'durationMs' | 'endedAtMs' | 'finishReason' | 'lostAttempts'
>;

/** Charges a step whose answers are all lost. Nobody measured the last attempt. */
async function settleLost(
  run: ActiveRun,
  name: string,
  { attempts, ...setAside }: Loss,
): Promise<void> {
  const { inputTokens, maxOutputTokens: outputTokens } = setAside;
  const answer: Charged = {
    usage: { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0 },
    model: run.terms.route().model,
    durationMs: 0,
    endedAtMs: await run.context.now(`${name}/end`),
    finishReason: 'none',
    lostAttempts: attempts - 1,
  };
  settle(run, name, { ...setAside, answer });
}

/** Charges what an answer used, and whole what was set aside for attempts that were interrupted; tells the followers. */
function settle(
  run: ActiveRun,
  name: string,
  taken: SetAside & { readonly answer: Charged },
): void {
  const { usage, model, durationMs, finishReason, lostAttempts } = taken.answer;
  const { endedAtMs = run.startedMs } = taken.answer;
  const attempts = attemptsWithin(run, { ...taken, attempts: lostAttempts });
  const inputTokens = usage.inputTokens + attempts * taken.inputTokens;
  const outputTokens = usage.outputTokens + attempts * taken.maxOutputTokens;
  const used = amountOf(run, { inputTokens, outputTokens }, 1 + attempts);
  const { overrunTokens } = run.ports.budgets.settle(run.budgetScope, name, used);
  run.count('modelCalls', used.steps);
  run.count('inputTokens', inputTokens);
  run.count('outputTokens', outputTokens);
  run.count('costMicroUsd', used.costMicroUsd);
  run.count('tokensOverrun', overrunTokens);
  // What a fork has taken over was before its start.
  const spent = { ...run.statistics(), durationMs: elapsedMs(run.startedMs, endedAtMs) };
  const { costMicroUsd } = amountOf(run, usage);
  run.context.emit(name, { type: 'usage', model, usage, costMicroUsd, spent });
  run.context.emit(name, { type: 'step-finished', kind: 'model', finishReason, durationMs });
}

function amountOf(
  run: ActiveRun,
  usage: Pick<TokenUsage, 'inputTokens' | 'outputTokens'>,
  steps = 1,
): BudgetAmount {
  return {
    tokens: usage.inputTokens + usage.outputTokens,
    costMicroUsd: costOf(run.terms.route(), usage),
    steps,
    toolCalls: 0,
  };
}
