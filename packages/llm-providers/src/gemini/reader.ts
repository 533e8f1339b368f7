import type { FinishReason, JsonObject, ModelEvent, TokenUsage } from '@modelhost/kernel';

import type { AnswerReader, ReaderContext } from '../answer-reader.ts';
import { readCount, readObject, readObjects, readText } from '../json-fields.ts';
import { createToolCallDrafts } from '../tool-calls.ts';

/** Reads Gemini's generateContent answers. A chunk of the stream has the shape of a whole answer. */
export function createReader(context: ReaderContext): AnswerReader {
  const { request, errors } = context;
  const calls = createToolCallDrafts(context);
  let model = request.model;
  let responseId: string | undefined;
  let usage: TokenUsage | undefined;
  let finish: string | undefined;

  function read(chunk: JsonObject): readonly ModelEvent[] {
    if (readObject(chunk, 'error') !== undefined) throw errors.fromEvent(chunk);
    model = readText(chunk, 'modelVersion') || model;
    responseId ??= readText(chunk, 'responseId');
    usage = readUsage(readObject(chunk, 'usageMetadata')) ?? usage;
    // A blocked prompt has no candidate at all.
    if (readText(readObject(chunk, 'promptFeedback'), 'blockReason')) finish ??= 'SAFETY';
    const candidate = readObjects(chunk, 'candidates').find(({ index }) => (index ?? 0) === 0);
    finish = readText(candidate, 'finishReason') ?? finish;
    const parts = readObjects(readObject(candidate, 'content'), 'parts');
    return parts.flatMap((part) => readPart(part));
  }

  function readPart(part: JsonObject): readonly ModelEvent[] {
    const call = readObject(part, 'functionCall');
    if (call !== undefined) {
      calls.start({
        id: readText(call, 'id') ?? '',
        name: readText(call, 'name') ?? '',
        arguments: JSON.stringify(readObject(call, 'args') ?? {}),
      });
    }
    const text = readText(part, 'text');
    if (!text) return [];
    return [{ type: part['thought'] === true ? 'reasoning-delta' : 'text-delta', text }];
  }

  function complete(): readonly ModelEvent[] {
    if (finish === undefined) throw errors.invalid('the answer ended before it was complete');
    const finishReason = toFinishReason(finish, calls.count > 0);
    return [
      // Calls come whole here, so none is cut short.
      ...calls.finish({ isWhole: true }),
      { type: 'done', stats: { model, finishReason, usage, responseId } },
    ];
  }

  return { read, readWhole: (body) => [...read(body), ...complete()], finish: complete };
}

function readUsage(usage: JsonObject | undefined): TokenUsage | undefined {
  const prompt = readCount(usage, 'promptTokenCount');
  if (prompt === undefined) return undefined;
  const inputTokens = prompt + (readCount(usage, 'toolUsePromptTokenCount') ?? 0);
  const reasoningTokens = readCount(usage, 'thoughtsTokenCount') ?? 0;
  const cached = readCount(usage, 'cachedContentTokenCount') ?? 0;
  return {
    inputTokens,
    // Here the candidates' count leaves out the thoughts.
    outputTokens: (readCount(usage, 'candidatesTokenCount') ?? 0) + reasoningTokens,
    cachedInputTokens: Math.min(cached, inputTokens),
    reasoningTokens,
  };
}

function toFinishReason(finish: string, hasCalls: boolean): FinishReason {
  switch (finish) {
    case 'STOP':
      return hasCalls ? 'tool-calls' : 'stop';
    case 'MAX_TOKENS':
      return 'length';
    case 'SAFETY':
    case 'RECITATION':
    case 'BLOCKLIST':
    case 'PROHIBITED_CONTENT':
    case 'SPII':
    case 'LANGUAGE':
    case 'IMAGE_SAFETY':
      return 'content-filter';
  }
  return 'other';
}
