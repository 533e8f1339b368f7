import type { FinishReason, JsonObject, ModelEvent, TokenUsage } from '@modelhost/kernel';

import type { AnswerReader, ReaderContext } from '../answer-reader.ts';
import { readCount, readObject, readObjects, readText } from '../json-fields.ts';
import { createToolCallDrafts } from '../tool-calls.ts';
import type { ToolCallDrafts } from '../tool-calls.ts';

/** Reads the answers of Anthropic's messages API. What the provider's own tools do is left out. */
export function createReader(context: ReaderContext): AnswerReader {
  const { request, errors } = context;
  const calls = createToolCallDrafts(context);
  const { readBlock, readDelta } = createBlockReader(calls);
  let message: JsonObject | undefined;
  let usage: JsonObject = {};
  let stopReason: string | undefined;

  function read(event: JsonObject): readonly ModelEvent[] {
    switch (readText(event, 'type') ?? '') {
      case 'message_start':
        takeMessage(readObject(event, 'message'));
        return [];
      case 'content_block_start':
        return readBlock(readObject(event, 'content_block'), readCount(event, 'index'));
      case 'content_block_delta':
        return readDelta(readObject(event, 'delta'), readCount(event, 'index'));
      case 'message_delta':
        // Its counts are those of the whole answer, and replace what came before.
        usage = { ...usage, ...readObject(event, 'usage') };
        stopReason = readText(readObject(event, 'delta'), 'stop_reason') ?? stopReason;
        return [];
      case 'message_stop':
        return complete();
      case 'error':
        throw errors.fromEvent(event);
    }
    return [];
  }

  function takeMessage(started: JsonObject | undefined): void {
    message = started;
    usage = { ...readObject(started, 'usage') };
    stopReason = readText(started, 'stop_reason');
  }

  function complete(): readonly ModelEvent[] {
    if (message === undefined || stopReason === undefined) {
      throw errors.invalid('the answer ended before it was complete');
    }
    const stats = {
      model: readText(message, 'model') || request.model,
      finishReason: toFinishReason(stopReason),
      usage: readUsage(usage),
      responseId: readText(message, 'id'),
    };
    const isWhole = stopReason === 'tool_use';
    return [...calls.finish({ isWhole }), { type: 'done', stats }];
  }

  return {
    read,
    readWhole: (body) => {
      if (readText(body, 'type') === 'error') throw errors.fromEvent(body);
      takeMessage(body);
      const blocks = readObjects(body, 'content').flatMap((block) => readBlock(block));
      return [...blocks, ...complete()];
    },
    finish: complete,
  };
}

type BlockReader = (block: JsonObject | undefined, index?: number) => readonly ModelEvent[];

/** Reads content blocks and what is added to them. */
function createBlockReader(calls: ToolCallDrafts): {
  readBlock: BlockReader;
  readDelta: BlockReader;
} {
  function readBlock(
    block: JsonObject | undefined,
    index: number | undefined,
  ): readonly ModelEvent[] {
    switch (readText(block, 'type') ?? '') {
      case 'text':
        return emit('text-delta', readText(block, 'text'));
      case 'thinking':
        return emit('reasoning-delta', readText(block, 'thinking'));
      case 'tool_use': {
        const input = readObject(block, 'input') ?? {};
        calls.start(
          {
            id: readText(block, 'id') ?? '',
            name: readText(block, 'name') ?? '',
            // A stream begins with an empty input and then writes the text of the real one.
            arguments: Object.keys(input).length === 0 ? '' : JSON.stringify(input),
          },
          index,
        );
      }
    }
    return [];
  }

  function readDelta(
    delta: JsonObject | undefined,
    index: number | undefined,
  ): readonly ModelEvent[] {
    switch (readText(delta, 'type') ?? '') {
      case 'text_delta':
        return emit('text-delta', readText(delta, 'text'));
      case 'thinking_delta':
        return emit('reasoning-delta', readText(delta, 'thinking'));
      case 'input_json_delta': {
        // Tools that run at the provider write arguments too; those are not ours.
        const draft = calls.at(index);
        if (draft !== undefined) draft.arguments += readText(delta, 'partial_json') ?? '';
      }
    }
    return [];
  }

  return { readBlock, readDelta };
}

function emit(
  type: 'text-delta' | 'reasoning-delta',
  text: string | undefined,
): readonly ModelEvent[] {
  return text ? [{ type, text }] : [];
}

function readUsage(usage: JsonObject): TokenUsage | undefined {
  const fresh = readCount(usage, 'input_tokens');
  if (fresh === undefined) return undefined;
  const cachedInputTokens = readCount(usage, 'cache_read_input_tokens') ?? 0;
  const written = readCount(usage, 'cache_creation_input_tokens') ?? 0;
  const outputTokens = readCount(usage, 'output_tokens') ?? 0;
  const thinking = readCount(readObject(usage, 'output_tokens_details'), 'thinking_tokens') ?? 0;
  return {
    // Here `input_tokens` counts neither what was read from the cache nor what was written to it.
    inputTokens: fresh + written + cachedInputTokens,
    outputTokens,
    cachedInputTokens,
    reasoningTokens: Math.min(thinking, outputTokens),
  };
}

function toFinishReason(stopReason: string): FinishReason {
  switch (stopReason) {
    case 'end_turn':
    case 'stop_sequence':
      return 'stop';
    case 'tool_use':
      return 'tool-calls';
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'refusal':
      return 'refusal';
  }
  return 'other';
}
