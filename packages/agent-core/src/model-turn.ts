import type { BudgetKind, RunEnding } from '@modelhost/kernel';
import type { ActiveRun } from './active-run.ts';
import type { ModelAnswer } from './answer-draft.ts';
import { refusalText } from './decisions.ts';
import { failed, stopEnding } from './endings.ts';
import { callModel } from './model-call.ts';
import type { GuardedContext } from './guarded-context.ts';
import { cutBy } from './model-step.ts';

/** Takes the model call of a turn within its budget. Gives the answer that the run goes on with, or the ending. */
export async function takeModelTurn(
  run: ActiveRun,
  turn: number,
): Promise<ModelAnswer | RunEnding> {
  const { input, conversation } = run;
  const inputTokens = run.offeredTokens() + conversation.tokens();
  const called = await callModel(run, {
    name: `turn-${turn}/model`,
    messages: conversation.messages,
    tools: run.offered(),
    // A choice that forces a tool would never let the model answer; it binds the first answer only.
    toolChoice:
      turn === 1 || input.toolChoice.type === 'none' ? input.toolChoice : { type: 'auto' },
    sampling: input.sampling,
    answerSchema: input.answerSchema,
    inputTokens,
    labels: conversation.labels(),
    isShown: true,
    facts: {},
    callId: (index) => `call_${input.runId.slice(-8)}_${turn}_${index + 1}`,
  });
  switch (called.kind) {
    case 'exceeded':
      return { reason: 'budget_exceeded', budget: called.budget };
    case 'too-long':
      return tooLong(inputTokens, input.agent.route.contextTokensMax);
    case 'taken':
      return endOf(called.answer, called.limitedBy, run.context) ?? called.answer;
  }
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
