import type {
  BudgetAmount,
  BudgetKind,
  Decision,
  RunContext,
  RunEnding,
  TokenUsage,
} from '@modelhost/kernel';
import type { ActiveRun } from './active-run.ts';
import type { ModelAnswer } from './answer-draft.ts';
import type { Conversation } from './conversation.ts';
import { reasonsText } from './decisions.ts';
import { failed, stopEnding } from './endings.ts';
import { cutBy, takeModelStep } from './model-step.ts';
import { costOf, fitOutput } from './tokens.ts';
import type { Fit } from './tokens.ts';

/** Takes the model call of a turn within its budget. Gives the answer that the run goes on with, or the ending. */
export async function takeModelTurn(
  run: ActiveRun,
  conversation: Conversation,
  turn: number,
): Promise<ModelAnswer | RunEnding> {
  const { context, input, ports } = run;
  const { route } = input.agent;
  const name = `turn-${turn}/model`;
  const inputTokens = conversation.tokens();
  const fit = fitOutput({
    state: ports.budgets.state(input.runId),
    route,
    inputTokens,
    maxOutputTokens: input.sampling.maxOutputTokens,
  });
  if (fit.kind === 'exceeded') return { reason: 'budget_exceeded', budget: fit.budget };
  if (fit.kind === 'too-long') return tooLong(inputTokens, route.contextTokensMax);
  const amount = amountOf(run, { inputTokens, outputTokens: fit.maxOutputTokens });
  const reserved = ports.budgets.reserve(input.runId, name, amount);
  if (reserved.kind === 'refused') return { reason: 'budget_exceeded', budget: reserved.budget };

  context.emit(name, { type: 'step-started', kind: 'model' });
  let answer: ModelAnswer;
  try {
    answer = await askModel(run, { conversation, turn, name, fit });
  } catch (thrown) {
    ports.budgets.release(input.runId, name);
    throw thrown;
  }
  settle(run, name, answer);
  return endOf(answer, fit.limitedBy, context) ?? answer;
}

async function askModel(
  run: ActiveRun,
  turn: {
    readonly conversation: Conversation;
    readonly turn: number;
    readonly name: string;
    readonly fit: Extract<Fit, { kind: 'fits' }>;
  },
): Promise<ModelAnswer> {
  const { input, ports, context } = run;
  const { route, modelCallTimeoutMs } = input.agent;
  const { maxOutputTokens } = turn.fit;
  const provider = ports.providers.get(route.provider);
  if (provider === undefined) {
    return run.fail({
      code: 'internal',
      message: `the provider ${route.provider} is not connected`,
      facts: { provider: route.provider },
    });
  }
  const inputTokens = turn.conversation.tokens();
  return takeModelStep({
    context,
    name: turn.name,
    route,
    provider,
    policy: ports.policy,
    record: async (decision, attempt) => recordModelDecision(run, turn.name, decision, attempt),
    request: {
      model: route.model,
      messages: turn.conversation.messages,
      tools: [...run.tools.values()],
      // A choice that forces a tool would never let the model answer; it binds the first answer only.
      toolChoice:
        turn.turn === 1 || input.toolChoice.type === 'none' ? input.toolChoice : { type: 'auto' },
      sampling: input.sampling,
      maxOutputTokens,
      answerSchema: input.answerSchema,
    },
    inputTokens,
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
    callId: (index) => `call_${input.runId.slice(-8)}_${turn.turn}_${index + 1}`,
  });
}

async function recordModelDecision(
  run: ActiveRun,
  step: string,
  decision: Decision,
  attempt: number,
): Promise<void> {
  const { principal, runId, agent } = run.input;
  await run.record({
    kind: 'decision',
    tenant: principal.tenant,
    runId,
    step,
    actor: principal.subject,
    facts: {
      action: 'UseModel',
      model: agent.route.id,
      effect: decision.effect,
      rules: decision.reasons.map(({ rule }) => rule),
      policyDigest: decision.policyDigest,
      attempt,
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

/** The ending that an answer brings; undefined when the run goes on with it. */
function endOf(
  answer: ModelAnswer,
  limitedBy: BudgetKind | undefined,
  context: RunContext,
): RunEnding | undefined {
  switch (answer.kind) {
    case 'denied':
      return { reason: 'denied', message: reasonsText(answer.decision) };
    case 'failed':
      return answer.error === undefined
        ? failed('internal', 'a model step failed without an error')
        : { reason: 'failed', error: answer.error };
    case 'stopped':
      return stopEnding(context);
    case 'answered': {
      const budget = cutBy(answer, limitedBy);
      return budget === undefined ? undefined : { reason: 'budget_exceeded', budget };
    }
  }
}

function tooLong(inputTokens: number, contextTokensMax: number): RunEnding {
  return failed(
    'validation_failed',
    `the conversation has about ${inputTokens} tokens, the model holds ${contextTokensMax}`,
  );
}
