import { joinLabels } from '@modelhost/kernel';
import type { ErrorCode, JsonObject } from '@modelhost/kernel';
import type { ActiveRun } from '../../active-run.ts';
import type { ModelAnswer } from '../../model/answer-draft.ts';
import { callModel } from '../../model/model-call.ts';
import { estimateMessageTokens } from '../../model/tokens.ts';
import { labelsOfTool } from '../../policy/data-labels.ts';
import { refusalText } from '../../policy/decisions.ts';
import type { AskedInput, InputAnswer } from './input-answer.ts';
import { readSampling } from './sampling-request.ts';

/**
 * Lets a tool server that the agent allows it ask the agent's model: within the run's budget, under policy and audit, in a
 * conversation of its own without tools. Its text goes to the server alone, never to the run's stream.
 */
export async function sample(run: ActiveRun, asked: AskedInput): Promise<InputAnswer> {
  const { call, name, params } = asked;
  const { tool } = call;
  const { agent, sampling } = run.input;
  if (!agent.samplingServers.includes(tool.server)) {
    return refuse(asked, 'permission_denied', 'asks the model, which the agent does not allow');
  }
  const request = readSampling(params);
  if (request === undefined) {
    return refuse(asked, 'mcp_protocol_error', 'asks the model in a way that is not served here');
  }
  const inputTokens = request.messages.reduce(
    (sum, message) => sum + estimateMessageTokens(message),
    0,
  );
  const called = await callModel(run, {
    name,
    messages: request.messages,
    tools: [],
    toolChoice: { type: 'none' },
    sampling: {
      ...sampling,
      ...request.sampling,
      maxOutputTokens: Math.min(request.maxOutputTokens, sampling.maxOutputTokens ?? Infinity),
    },
    answerSchema: undefined,
    inputTokens,
    // What the server asks comes from it, and what the model answers goes to it.
    labels: joinLabels(run.conversation.labels(), labelsOfTool(tool)),
    isShown: false,
    facts: { tool: tool.name, server: tool.server },
    callId: (index) => `${call.call.id}_${index + 1}`,
  });
  switch (called.kind) {
    case 'exceeded':
      return refuse(
        asked,
        'budget_exceeded',
        `asks the model beyond the budget of ${called.budget}`,
      );
    case 'too-long':
      return refuse(asked, 'validation_failed', 'asks the model more than it can hold');
    case 'taken':
      return answerOf(run, asked, called.answer);
  }
}

function answerOf(run: ActiveRun, asked: AskedInput, answer: ModelAnswer): InputAnswer {
  switch (answer.kind) {
    case 'answered':
      return { answer: toResult(answer) };
    case 'denied':
      return refuse(
        asked,
        'policy_violation',
        `may not ask the model: ${refusalText(answer.decision)}`,
      );
    case 'stopped':
      // oxlint-disable-next-line typescript/only-throw-error -- the loop ends with the StopReason, as if a step had thrown it.
      throw run.context.signal.reason;
    case 'failed':
      // What cannot be put on record ends the run, as it does in a turn.
      if (answer.error?.code === 'audit_unavailable') run.fail(answer.error);
      return {
        error: answer.error ?? { code: 'internal', message: 'a model step failed', facts: {} },
      };
  }
}

/** MCP's CreateMessageResult. */
function toResult({ text, model, finishReason }: ModelAnswer): JsonObject {
  const stopReason =
    finishReason === 'length' || finishReason === 'runaway' ? 'maxTokens' : 'endTurn';
  return { role: 'assistant', content: { type: 'text', text }, model, stopReason };
}

function refuse({ call }: AskedInput, code: ErrorCode, what: string): InputAnswer {
  const { name } = call.tool;
  return { error: { code, message: `${name} ${what}`, facts: { tool: name } } };
}
