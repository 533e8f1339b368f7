import type { FinishReason, JsonObject, ModelEvent, TokenUsage } from '@modelhost/kernel';

import type { AnswerReader, ReaderContext } from '../answer-reader.ts';
import { readCount, readObject, readObjects, readText } from '../json-fields.ts';
import { createToolCallDrafts } from '../tool-calls.ts';
import type { ToolCallDrafts } from '../tool-calls.ts';

/** Reads the answers of OpenAI's responses API. What the provider's own tools do is left out. */
export function createReader(context: ReaderContext): AnswerReader {
  const { request, errors } = context;
  const calls = createToolCallDrafts(context);
  let hasContent = false;

  function read(event: JsonObject): readonly ModelEvent[] {
    switch (readText(event, 'type') ?? '') {
      case 'response.refusal.delta':
      case 'response.output_text.delta':
        hasContent = true;
        return createDelta('text-delta', readText(event, 'delta'));
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        hasContent = true;
        return createDelta('reasoning-delta', readText(event, 'delta'));
      case 'response.output_item.added':
      case 'response.output_item.done':
        takeCall(calls, readObject(event, 'item'), readCount(event, 'output_index'));
        return [];
      case 'response.function_call_arguments.delta': {
        const draft = calls.at(readCount(event, 'output_index'));
        if (draft === undefined) throw errors.invalid('arguments came for a call that never began');
        draft.arguments += readText(event, 'delta') ?? '';
        return [];
      }
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        return complete(readObject(event, 'response'));
      case 'error':
        throw errors.fromEvent(event);
    }
    return [];
  }

  function complete(response: JsonObject | undefined): readonly ModelEvent[] {
    const status = readText(response, 'status');
    if (response !== undefined && (status === 'failed' || status === 'cancelled')) {
      throw errors.fromEvent(response);
    }
    if (response === undefined || (status !== 'completed' && status !== 'incomplete')) {
      throw errors.invalid('the answer ended before it was complete');
    }
    // The end repeats the output; it is read where no events told it before.
    const output = hasContent || calls.count > 0 ? [] : readOutput(response, calls);
    const finishReason = toFinishReason(response, calls.count > 0);
    const stats = {
      model: readText(response, 'model') || request.model,
      finishReason,
      usage: readUsage(readObject(response, 'usage')),
      responseId: readText(response, 'id'),
    };
    const isWhole = status === 'completed';
    return [...output, ...calls.finish({ isWhole }), { type: 'done', stats }];
  }

  return {
    read,
    readWhole: complete,
    finish: () => {
      throw errors.invalid('the answer ended before it was complete');
    },
  };
}

function createDelta(
  type: 'text-delta' | 'reasoning-delta',
  text: string | undefined,
): readonly ModelEvent[] {
  return text ? [{ type, text }] : [];
}

function readOutput(response: JsonObject, calls: ToolCallDrafts): readonly ModelEvent[] {
  return readObjects(response, 'output').flatMap((item, index): readonly ModelEvent[] => {
    takeCall(calls, item, index);
    return [
      ...readReasoning(item).flatMap((text) => createDelta('reasoning-delta', text)),
      ...readMessage(item).flatMap((text) => createDelta('text-delta', text)),
    ];
  });
}

function hasRefusal(response: JsonObject): boolean {
  return readObjects(response, 'output').some((item) =>
    readObjects(item, 'content').some((part) => readText(part, 'refusal')),
  );
}

function takeCall(
  calls: ToolCallDrafts,
  item: JsonObject | undefined,
  index: number | undefined,
): void {
  if (readText(item, 'type') !== 'function_call') return;
  const draft = calls.at(index) ?? calls.start({}, index);
  draft.id = readText(item, 'call_id') || draft.id;
  draft.name = readText(item, 'name') || draft.name;
  // The finished item repeats the whole text of its fragments.
  draft.arguments = readText(item, 'arguments') || draft.arguments;
}

function readReasoning(item: JsonObject): readonly (string | undefined)[] {
  if (readText(item, 'type') !== 'reasoning') return [];
  const parts = [...readObjects(item, 'summary'), ...readObjects(item, 'content')];
  return parts.map((part) => readText(part, 'text'));
}

function readMessage(item: JsonObject): readonly (string | undefined)[] {
  if (readText(item, 'type') !== 'message') return [];
  return readObjects(item, 'content').map(
    (part) => readText(part, 'text') ?? readText(part, 'refusal'),
  );
}

function readUsage(usage: JsonObject | undefined): TokenUsage | undefined {
  const inputTokens = readCount(usage, 'input_tokens');
  if (usage === undefined || inputTokens === undefined) return undefined;
  const outputTokens = readCount(usage, 'output_tokens') ?? 0;
  const cached = readCount(readObject(usage, 'input_tokens_details'), 'cached_tokens') ?? 0;
  const reasoning = readCount(readObject(usage, 'output_tokens_details'), 'reasoning_tokens') ?? 0;
  return {
    inputTokens,
    outputTokens,
    cachedInputTokens: Math.min(cached, inputTokens),
    reasoningTokens: Math.min(reasoning, outputTokens),
  };
}

function toFinishReason(response: JsonObject, hasCalls: boolean): FinishReason {
  switch (readText(readObject(response, 'incomplete_details'), 'reason') ?? '') {
    case 'max_output_tokens':
    case 'max_tokens':
      return 'length';
    case 'content_filter':
      return 'content-filter';
  }
  if (readText(response, 'status') === 'incomplete') return 'other';
  if (hasRefusal(response)) return 'refusal';
  return hasCalls ? 'tool-calls' : 'stop';
}
