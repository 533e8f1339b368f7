import type { FinishReason, JsonObject, ModelEvent, TokenUsage } from '@modelhost/kernel';

import type { AnswerReader, ReaderContext } from '../answer-reader.ts';
import { readCount, readObject, readObjects, readText } from '../json-fields.ts';
import { createToolCallDrafts } from '../tool-calls.ts';
import type { ToolCallDraft, ToolCallDrafts } from '../tool-calls.ts';

/** Reads chat completions, streamed (`delta`) or whole (`message`), of OpenAI and of servers that follow it. */
export function createReader(context: ReaderContext): AnswerReader {
  const { request, errors } = context;
  const calls = createToolCallDrafts(context);
  const readCalls = createCallReader(calls);
  let model = request.model;
  let responseId: string | undefined;
  let usage: TokenUsage | undefined;
  let finish: string | undefined;
  let hasChoice = false;
  let isRefusal = false;

  function read(chunk: JsonObject): readonly ModelEvent[] {
    if (readObject(chunk, 'error') !== undefined || typeof chunk['error'] === 'string') {
      throw errors.fromEvent(chunk);
    }
    model = readText(chunk, 'model') || model;
    responseId ??= readText(chunk, 'id');
    usage = readUsage(chunk) ?? usage;
    const choice = readObjects(chunk, 'choices').find(({ index }) => (index ?? 0) === 0);
    if (choice === undefined) return [];
    hasChoice = true;
    finish = readText(choice, 'finish_reason') ?? finish;
    return readDelta(readObject(choice, 'delta') ?? readObject(choice, 'message'));
  }

  function readDelta(delta: JsonObject | undefined): readonly ModelEvent[] {
    if (delta === undefined) return [];
    const events: ModelEvent[] = [];
    // Two names for the same thing; some servers send both.
    const reasoning = readText(delta, 'reasoning_content') || readText(delta, 'reasoning');
    if (reasoning) events.push({ type: 'reasoning-delta', text: reasoning });
    readContent(delta, events);
    const refusal = readText(delta, 'refusal');
    if (refusal) {
      isRefusal = true;
      events.push({ type: 'text-delta', text: refusal });
    }
    readCalls(readObjects(delta, 'tool_calls'));
    return events;
  }

  function complete(ending: 'marker' | 'end-of-body'): readonly ModelEvent[] {
    // A server may leave out the marker or the reason, but not both.
    if (!hasChoice || (ending === 'end-of-body' && finish === undefined)) {
      throw errors.invalid('the answer ended before it was complete');
    }
    const finishReason = toFinishReason({ finish, isRefusal, hasCalls: calls.count > 0 });
    return [
      ...calls.finish({ isWhole: finishReason === 'tool-calls' }),
      { type: 'done', stats: { model, finishReason, usage, responseId } },
    ];
  }

  return {
    read,
    readWhole: (body) => [...read(body), ...complete('marker')],
    finish: complete,
  };
}

/** The content is a text, or a list of parts in which Mistral also puts its reasoning. */
function readContent(delta: JsonObject, events: ModelEvent[]): void {
  const text = readText(delta, 'content');
  if (text) events.push({ type: 'text-delta', text });
  for (const part of readObjects(delta, 'content')) {
    const partText = readText(part, 'text');
    if (partText) events.push({ type: 'text-delta', text: partText });
    for (const thought of readObjects(part, 'thinking')) {
      events.push({ type: 'reasoning-delta', text: readText(thought, 'text') ?? '' });
    }
  }
}

function createCallReader(calls: ToolCallDrafts): (fragments: readonly JsonObject[]) => void {
  let last: ToolCallDraft | undefined;

  function find(index: number | undefined, id: string, name: string): ToolCallDraft | undefined {
    const found = index === undefined ? last : calls.at(index);
    if (found === undefined) return undefined;
    // Some servers number every call 0, or not at all: another id, or another name without ids, begins another call.
    const isOther =
      id === '' ? index === undefined && name !== '' : found.id !== '' && found.id !== id;
    return isOther && name !== '' ? undefined : found;
  }

  return (fragments) => {
    for (const fragment of fragments) {
      const index = readCount(fragment, 'index');
      const id = readText(fragment, 'id') ?? '';
      const call = readObject(fragment, 'function');
      const name = readText(call, 'name') ?? '';
      const draft = find(index, id, name) ?? calls.start({ id, name }, index);
      if (draft.name === '') draft.name = name;
      if (draft.id === '') draft.id = id;
      const object = readObject(call, 'arguments');
      draft.arguments +=
        object === undefined ? (readText(call, 'arguments') ?? '') : JSON.stringify(object);
      last = draft;
    }
  };
}

function readUsage(chunk: JsonObject): TokenUsage | undefined {
  // Groq has its own place for it when nobody asked.
  const usage = readObject(chunk, 'usage') ?? readObject(readObject(chunk, 'x_groq'), 'usage');
  const inputTokens = readCount(usage, 'prompt_tokens');
  if (usage === undefined || inputTokens === undefined) return undefined;
  const outputTokens = readCount(usage, 'completion_tokens') ?? 0;
  const inputDetails = readObject(usage, 'prompt_tokens_details');
  const outputDetails = readObject(usage, 'completion_tokens_details');
  const cached =
    readCount(inputDetails, 'cached_tokens') ?? readCount(usage, 'prompt_cache_hit_tokens') ?? 0;
  const reasoning = readCount(outputDetails, 'reasoning_tokens') ?? 0;
  return {
    inputTokens,
    outputTokens,
    // Parts are never more than the whole, whatever a provider counts.
    cachedInputTokens: Math.min(cached, inputTokens),
    reasoningTokens: Math.min(reasoning, outputTokens),
  };
}

function toFinishReason(answer: {
  readonly finish: string | undefined;
  readonly isRefusal: boolean;
  readonly hasCalls: boolean;
}): FinishReason {
  const { finish, isRefusal, hasCalls } = answer;
  switch (finish ?? '') {
    case 'length':
    case 'model_length':
      return 'length';
    case 'content_filter':
      return 'content-filter';
    case 'tool_calls':
    case 'function_call':
      return 'tool-calls';
    case 'stop':
      if (isRefusal) return 'refusal';
      // Several servers say `stop` although the model called a tool.
      return hasCalls ? 'tool-calls' : 'stop';
  }
  return isRefusal ? 'refusal' : 'other';
}
