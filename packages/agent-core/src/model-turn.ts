import type { BudgetKind, RunEnding } from '@modelhost/kernel';
import type { ActiveRun } from './active-run.ts';
import { compactContext } from './compaction/compact-context.ts';
import { failed, stopEnding } from './endings.ts';
import type { GuardedContext } from './guarded-context.ts';
import type { ModelAnswer } from './model/answer-draft.ts';
import { callModel } from './model/model-call.ts';
import type { ModelCallOutcome } from './model/model-call.ts';
import { refusalText } from './policy/decisions.ts';

/**
 * Takes the model call of a turn within its budget, with a conversation that fits the model's window where that can be done.
 * Gives the answer that the run goes on with, or the ending.
 */
export async function takeModelTurn(
  run: ActiveRun,
  turn: number,
): Promise<ModelAnswer | RunEnding> {
  const name = `turn-${turn}/model`;
  const exceeded = run.terms.enter(name);
  if (exceeded !== undefined) return { reason: 'budget_exceeded', budget: exceeded };
  run.showTo(run.terms.route());
  await compactContext(run, { step: `turn-${turn}/compact`, isRefused: false });
  let called = await callForTurn(run, turn, name);
  // The provider counts otherwise than the estimate does. Once: what is too long then is too long.
  if (isTooLongForProvider(called)) called = await callWithLess(run, turn, called);
  switch (called.kind) {
    case 'exceeded':
      return { reason: 'budget_exceeded', budget: called.budget };
    case 'too-long':
      return tooLong(run);
    case 'taken':
      return endOf(called.answer, called.limitedBy, run.context) ?? called.answer;
  }
}

/** Gives the refusal itself where there is nothing to leave out. */
async function callWithLess(
  run: ActiveRun,
  turn: number,
  refused: ModelCallOutcome,
): Promise<ModelCallOutcome> {
  const name = `turn-${turn}/model-again`;
  const exceeded = run.terms.enter(name);
  if (exceeded !== undefined) return { kind: 'exceeded', budget: exceeded };
  const step = `turn-${turn}/compact-again`;
  const isShorter = await compactContext(run, { step, isRefused: true });
  return isShorter ? callForTurn(run, turn, name) : refused;
}

async function callForTurn(run: ActiveRun, turn: number, name: string): Promise<ModelCallOutcome> {
  const { input, conversation } = run;
  return callModel(run, {
    name,
    messages: conversation.messages(),
    tools: run.offered(),
    // A choice that forces a tool would never let the model answer; it binds the first answer only.
    toolChoice:
      turn === 1 || input.toolChoice.type === 'none' ? input.toolChoice : { type: 'auto' },
    sampling: input.sampling,
    answerSchema: input.answerSchema,
    inputTokens: inputTokensOf(run),
    labels: conversation.labels(),
    isShown: true,
    facts: {},
    callId: (index) => `call_${input.runId.slice(-8)}_${turn}_${index + 1}`,
  });
}

function inputTokensOf(run: ActiveRun): number {
  return run.offeredTokens() + run.conversation.tokens();
}

/** Whether the provider refuses the request for its length, before any answer. */
function isTooLongForProvider(called: ModelCallOutcome): boolean {
  if (called.kind !== 'taken' || called.answer.kind !== 'failed') return false;
  const { error, text, reasoning, toolCalls } = called.answer;
  const isAnswered = text !== '' || reasoning !== '' || toolCalls.length > 0;
  return !isAnswered && error?.facts['reason'] === 'context_length';
}

/** The ending that an answer brings; undefined when the run goes on with it. */
function endOf(
  answer: ModelAnswer,
  limitedBy: BudgetKind | undefined,
  context: GuardedContext,
): RunEnding | undefined {
  switch (answer.kind) {
    case 'denied':
      return { reason: 'denied', message: refusalText(answer.output?.decision ?? answer.decision) };
    case 'failed':
      return failureOf(answer);
    case 'stopped':
      return stopEnding(context);
    case 'answered':
      return cutEnding(answer, limitedBy);
  }
}

/** Why the loop cannot go on after an answer that was cut; undefined when it can. */
function cutEnding(
  { finishReason }: ModelAnswer,
  limitedBy: BudgetKind | undefined,
): RunEnding | undefined {
  if (finishReason !== 'length' && finishReason !== 'runaway') return undefined;
  if (limitedBy !== undefined) return { reason: 'budget_exceeded', budget: limitedBy };
  if (finishReason === 'length') return undefined;
  // The budget has nothing to do with it: there was room for more than the model was to say.
  return failed(
    'provider_invalid_response',
    'the provider went on past the length that it was asked for, and the host cut it off',
  );
}

function tooLong(run: ActiveRun): RunEnding {
  const { compactAtPercent } = run.input.agent;
  const { contextTokensMax } = run.terms.route();
  const why = compactAtPercent === undefined ? ', and its agent is never to compact it' : '';
  return failed(
    'validation_failed',
    `the conversation has about ${inputTokensOf(run)} tokens, the model holds ${contextTokensMax}${why}`,
  );
}

/** A model that was interrupted, and cannot be asked again within the budget, has used it up. */
function failureOf({ error }: ModelAnswer): RunEnding {
  if (error === undefined) return failed('internal', 'a model step failed without an error');
  const budget = budgetKinds.find((kind) => kind === error.facts['budget']);
  return error.code === 'budget_exceeded' && budget !== undefined
    ? { reason: 'budget_exceeded', budget }
    : { reason: 'failed', error };
}

const budgetKinds: readonly BudgetKind[] = ['tokens', 'cost', 'steps', 'tool_calls'];
