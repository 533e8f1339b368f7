import type {
  BudgetAmount,
  BudgetKind,
  Decision,
  Json,
  Message,
  Sampling,
  TokenUsage,
  ToolChoice,
  ToolDefinition,
  JsonObject,
} from '@modelhost/kernel';
import type { ActiveRun } from './active-run.ts';
import type { ModelAnswer } from './answer-draft.ts';
import { takeModelStep } from './model-step.ts';
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
  const { context, input, ports } = run;
  const { name, inputTokens } = call;
  const fit = fitOutput({
    state: ports.budgets.state(input.runId),
    route: input.agent.route,
    inputTokens,
    maxOutputTokens: call.sampling.maxOutputTokens,
  });
  if (fit.kind !== 'fits') return fit;
  const amount = amountOf(run, { inputTokens, outputTokens: fit.maxOutputTokens });
  const reserved = ports.budgets.reserve(input.runId, name, amount);
  if (reserved.kind === 'refused') return { kind: 'exceeded', budget: reserved.budget };

  context.emit(name, { type: 'step-started', kind: 'model' });
  let answer: ModelAnswer;
  try {
    answer = await askModel(run, call, fit.maxOutputTokens);
  } catch (thrown) {
    ports.budgets.release(input.runId, name);
    throw thrown;
  }
  settle(run, name, answer);
  return { kind: 'taken', answer, limitedBy: fit.limitedBy };
}

async function askModel(
  run: ActiveRun,
  call: ModelCall,
  maxOutputTokens: number,
): Promise<ModelAnswer> {
  const { input, ports, context } = run;
  const { route, modelCallTimeoutMs } = input.agent;
  const { name, messages, tools, toolChoice, sampling, answerSchema, inputTokens } = call;
  const provider = ports.providers.get(route.provider);
  if (provider === undefined) {
    return run.fail({
      code: 'internal',
      message: `the provider ${route.provider} is not connected`,
      facts: { provider: route.provider },
    });
  }
  const request = { model: route.model, messages, tools, toolChoice, sampling, answerSchema };
  return takeModelStep({
    context,
    name,
    route,
    provider,
    policy: ports.policy,
    record: async (decision, attempt) => recordModelDecision(run, call, decision, attempt),
    request: { ...request, maxOutputTokens },
    inputTokens,
    isShown: call.isShown,
    timeoutMs: modelCallTimeoutMs,
    question: (nowMs) => ({
      principal: input.principal,
      agent: input.agent.id,
      action: 'UseModel',
      resource: {
        type: 'model',
        id: route.id,
        provider: route.provider,
        inputTokens,
        maxOutputTokens,
      },
      context: {
        runId: input.runId,
        nowMs,
        callDigest: '',
        spent: run.statistics(),
        approval: undefined,
      },
    }),
    callId: call.callId,
  });
}

async function recordModelDecision(
  run: ActiveRun,
  { name, facts }: ModelCall,
  decision: Decision,
  attempt: number,
): Promise<void> {
  const { principal, runId, agent } = run.input;
  await run.record({
    kind: 'decision',
    tenant: principal.tenant,
    runId,
    step: name,
    actor: principal.subject,
    facts: {
      action: 'UseModel',
      model: agent.route.id,
      effect: decision.effect,
      rules: decision.reasons.map(({ rule }) => rule),
      policyDigest: decision.policyDigest,
      attempt,
      ...facts,
    },
  });
}

/** Charges what an answer used and tells the followers. */
function settle(run: ActiveRun, name: string, answer: ModelAnswer): void {
  const { usage, model, durationMs, finishReason } = answer;
  const used = amountOf(run, usage);
  const { overrunTokens } = run.ports.budgets.settle(run.input.runId, name, used);
  run.count('modelCalls');
  run.count('inputTokens', usage.inputTokens);
  run.count('outputTokens', usage.outputTokens);
  run.count('costMicroUsd', used.costMicroUsd);
  run.count('tokensOverrun', overrunTokens);
  const spent = run.statistics();
  const { costMicroUsd } = used;
  run.context.emit(name, { type: 'usage', model, usage, costMicroUsd, spent });
  run.context.emit(name, { type: 'step-finished', kind: 'model', finishReason, durationMs });
}

function amountOf(
  run: ActiveRun,
  usage: Pick<TokenUsage, 'inputTokens' | 'outputTokens'>,
): BudgetAmount {
  return {
    tokens: usage.inputTokens + usage.outputTokens,
    costMicroUsd: costOf(run.input.agent.route, usage),
    steps: 1,
    toolCalls: 0,
  };
}
