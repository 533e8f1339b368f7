import { parseJsonText } from '@modelhost/kernel';
import type { TokenUsage } from '@modelhost/kernel';

/** One recorded exchange with a provider. */
export interface Recording {
  readonly id: string;
  readonly api: string;
  readonly status: number;
  readonly contentType: string;
  readonly responseBody: string;
}

/** What a recording says, read from its whole body in the plainest way, apart from the adapters. */
export type Expectation =
  | { readonly kind: 'error'; readonly message: string; readonly status: number }
  | {
      readonly kind: 'answer';
      readonly text: string;
      readonly reasoning: string;
      readonly calls: readonly { readonly name: string; readonly arguments: unknown }[];
      readonly usage: TokenUsage;
      readonly finishReason: string;
    };

type Call = { name: string; arguments: string };

/** Reads a recording. */
export function expectationOf(recording: Recording): Expectation {
  const events = eventsOf(recording);
  const failed = events.find((event) => at(event, 'error', 'message') !== undefined);
  if (failed !== undefined) {
    const status = at(failed, 'error', 'status_code') ?? at(failed, 'error', 'code');
    return {
      kind: 'error',
      message: String(at(failed, 'error', 'message')),
      status: recording.status === 200 ? Number(status) : recording.status,
    };
  }
  switch (recording.api) {
    case 'openai-chat':
      return expectChat(events);
    case 'openai-responses':
      return expectResponses(events);
    case 'anthropic-messages':
      return expectAnthropic(events);
    default:
      return expectGemini(events);
  }
}

function expectChat(events: readonly unknown[]): Expectation {
  const choices = events.flatMap((event) => list(at(event, 'choices')));
  const deltas = choices.map((choice) => at(choice, 'delta') ?? at(choice, 'message'));
  const calls: Call[] = [];
  for (const delta of deltas) {
    for (const [position, part] of list(at(delta, 'tool_calls')).entries()) {
      const index = count(at(part, 'index') ?? position);
      const call = (calls[index] ??= { name: '', arguments: '' });
      call.name += text(at(part, 'function', 'name'));
      call.arguments += text(at(part, 'function', 'arguments'));
    }
  }
  const usage = events
    .map((event) => at(event, 'usage') ?? at(event, 'x_groq', 'usage'))
    .findLast((item) => item !== undefined && item !== null);
  const finish = choices
    .map((choice) => at(choice, 'finish_reason'))
    .findLast((reason) => typeof reason === 'string');
  const reasons: Readonly<Record<string, string>> = {
    stop: calls.length > 0 ? 'tool-calls' : 'stop',
    tool_calls: 'tool-calls',
    length: 'length',
  };
  return {
    kind: 'answer',
    text: deltas.map((delta) => text(at(delta, 'content'))).join(''),
    reasoning: deltas
      .map((delta) => text(at(delta, 'reasoning_content')) || text(at(delta, 'reasoning')))
      .join(''),
    calls: parsed(calls),
    usage: {
      inputTokens: count(at(usage, 'prompt_tokens')),
      outputTokens: count(at(usage, 'completion_tokens')),
      cachedInputTokens: count(at(usage, 'prompt_tokens_details', 'cached_tokens')),
      reasoningTokens: count(at(usage, 'completion_tokens_details', 'reasoning_tokens')),
    },
    finishReason: reasons[text(finish)] ?? 'other',
  };
}

function expectResponses(events: readonly unknown[]): Expectation {
  const last = events.at(-1);
  const response = at(last, 'response') ?? last;
  // Two recordings of other tools leave the output of the end empty; the finished items are always there.
  const items = list(at(response, 'output'));
  const done = events
    .filter((event) => at(event, 'type') === 'response.output_item.done')
    .map((event) => at(event, 'item'));
  const output = items.length > 0 ? items : done;
  const ofType = (type: string): unknown[] => output.filter((item) => at(item, 'type') === type);
  const thoughts = ofType('reasoning').flatMap((item) => [
    ...list(at(item, 'summary')),
    ...list(at(item, 'content')),
  ]);
  const calls = ofType('function_call').map((item) => ({
    name: text(at(item, 'name')),
    arguments: text(at(item, 'arguments')),
  }));
  const usage = at(response, 'usage');
  return {
    kind: 'answer',
    text: ofType('message')
      .flatMap((item) => list(at(item, 'content')))
      .map((part) => text(at(part, 'text')))
      .join(''),
    reasoning: thoughts.map((part) => text(at(part, 'text'))).join(''),
    calls: parsed(calls),
    usage: {
      inputTokens: count(at(usage, 'input_tokens')),
      outputTokens: count(at(usage, 'output_tokens')),
      cachedInputTokens: count(at(usage, 'input_tokens_details', 'cached_tokens')),
      reasoningTokens: count(at(usage, 'output_tokens_details', 'reasoning_tokens')),
    },
    finishReason: calls.length > 0 ? 'tool-calls' : 'stop',
  };
}

function expectAnthropic(events: readonly unknown[]): Expectation {
  const whole = events[0];
  const start = at(whole, 'message') ?? whole;
  const end = events.find((event) => at(event, 'type') === 'message_delta');
  const blocks = list(at(start, 'content'));
  for (const event of events) {
    if (at(event, 'type') === 'content_block_start') blocks.push(at(event, 'content_block'));
  }
  const deltas = events.map((event) => at(event, 'delta'));
  const calls: Call[] = [];
  for (const [index, block] of blocks.entries()) {
    if (at(block, 'type') !== 'tool_use') continue;
    const fragments = events.filter((event) => at(event, 'index') === index);
    const written = fragments.map((event) => text(at(event, 'delta', 'partial_json'))).join('');
    calls.push({
      name: text(at(block, 'name')),
      arguments: written === '' ? JSON.stringify(at(block, 'input')) : written,
    });
  }
  const usage = (name: string): number => count(at(end, 'usage', name) ?? at(start, 'usage', name));
  const thinking = at(start, 'usage', 'output_tokens_details', 'thinking_tokens');
  const reasons: Readonly<Record<string, string>> = { end_turn: 'stop', tool_use: 'tool-calls' };
  const reason = text(at(end, 'delta', 'stop_reason') ?? at(start, 'stop_reason'));
  return {
    kind: 'answer',
    text: [...blocks, ...deltas].map((part) => text(at(part, 'text'))).join(''),
    reasoning: [...blocks, ...deltas].map((part) => text(at(part, 'thinking'))).join(''),
    calls: parsed(calls),
    usage: {
      inputTokens:
        usage('input_tokens') +
        usage('cache_read_input_tokens') +
        usage('cache_creation_input_tokens'),
      outputTokens: usage('output_tokens'),
      cachedInputTokens: usage('cache_read_input_tokens'),
      reasoningTokens: count(thinking),
    },
    finishReason: reasons[reason] ?? 'other',
  };
}

function expectGemini(events: readonly unknown[]): Expectation {
  const parts = events.flatMap((event) => list(at(event, 'candidates', 0, 'content', 'parts')));
  const calls = parts
    .map((part) => at(part, 'functionCall'))
    .filter((call) => call !== undefined)
    .map((call) => ({
      name: text(at(call, 'name')),
      arguments: JSON.stringify(at(call, 'args') ?? {}),
    }));
  const usage = at(events.at(-1), 'usageMetadata');
  const isThought = (part: unknown): boolean => at(part, 'thought') === true;
  return {
    kind: 'answer',
    text: parts.map((part) => (isThought(part) ? '' : text(at(part, 'text')))).join(''),
    reasoning: parts.map((part) => (isThought(part) ? text(at(part, 'text')) : '')).join(''),
    calls: parsed(calls),
    usage: {
      inputTokens:
        count(at(usage, 'promptTokenCount')) + count(at(usage, 'toolUsePromptTokenCount')),
      outputTokens:
        count(at(usage, 'candidatesTokenCount')) + count(at(usage, 'thoughtsTokenCount')),
      cachedInputTokens: count(at(usage, 'cachedContentTokenCount')),
      reasoningTokens: count(at(usage, 'thoughtsTokenCount')),
    },
    finishReason: calls.length > 0 ? 'tool-calls' : 'stop',
  };
}

function eventsOf({ contentType, responseBody }: Recording): unknown[] {
  if (!contentType.startsWith('text/event-stream')) return [parseJsonText(responseBody)];
  return responseBody
    .replaceAll('\r\n', '\n')
    .split('\n\n')
    .map((block) => block.split('\n').find((line) => line.startsWith('data: ')))
    .filter((line) => line !== undefined && line !== 'data: [DONE]')
    .map((line): unknown => parseJsonText((line ?? '').slice('data: '.length)));
}

function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    // Any member of an object may be asked for; what is not there is undefined.
    found = (found as Readonly<Record<string, unknown>>)[key];
  }
  return found;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value.map((item: unknown) => item) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function parsed(calls: readonly Call[]): { name: string; arguments: unknown }[] {
  return calls.map((call) => ({
    name: call.name,
    arguments: parseJsonText(call.arguments === '' ? '{}' : call.arguments),
  }));
}
