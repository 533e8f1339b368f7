import type { Message } from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import type { ModelAnswer } from '../model/answer-draft.ts';
import { callModel } from '../model/model-call.ts';

/** What is to be summarized, the request for it last. */
export interface SummaryRequest {
  /** Name of the step. */
  readonly step: string;
  readonly messages: readonly Message[];
  /** Estimated, definitions of tools included. */
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
}

/**
 * Asks the agent's own model, as any call of it: within the budget, by policy, on record, redacted. Nothing of the answer is
 * shown. Undefined where none can be used; what stops the run is thrown.
 */
export async function summarize(
  run: ActiveRun,
  { step, messages, inputTokens, maxOutputTokens }: SummaryRequest,
): Promise<string | undefined> {
  const called = await callModel(run, {
    name: step,
    messages,
    // Those that the messages call have to be known, and the beginning stays the one that the provider may have cached.
    tools: run.offered(),
    toolChoice: { type: 'none' },
    sampling: { maxOutputTokens },
    answerSchema: undefined,
    inputTokens,
    labels: run.conversation.labels(),
    isShown: false,
    facts: { purpose: 'compaction' },
    callId: (index) => `${step}/${index + 1}`,
  });
  return called.kind === 'taken' ? summaryOf(run, called.answer) : undefined;
}

function summaryOf(run: ActiveRun, answer: ModelAnswer): string | undefined {
  switch (answer.kind) {
    case 'answered': {
      // A refusal, or what a provider holds back, is no summary; one that was cut is better than none.
      const isUsable = ['stop', 'length', 'other'].includes(answer.finishReason);
      const text = answer.text.trim();
      return isUsable && text !== '' ? text : undefined;
    }
    case 'denied':
      return undefined;
    case 'stopped':
      // oxlint-disable-next-line typescript/only-throw-error -- the loop ends with the StopReason, as if a step had thrown it.
      throw run.context.signal.reason;
    case 'failed':
      // What cannot be put on record ends the run, as it does in a turn.
      if (answer.error?.code === 'audit_unavailable') run.fail(answer.error);
      return undefined;
  }
}
