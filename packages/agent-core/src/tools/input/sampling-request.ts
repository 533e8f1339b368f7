import { isJsonObject } from '@modelhost/kernel';
import type { ContentPart, Json, JsonObject, Message, Sampling } from '@modelhost/kernel';

const messagesMax = 64;
const stopSequencesMax = 4;
const stopSequenceLengthMax = 64;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
const imageType = /^image\/[A-Za-z0-9.+-]{1,64}$/;

/** What a tool server asks the model. */
export interface SamplingRequest {
  readonly messages: readonly Message[];
  readonly maxOutputTokens: number;
  readonly sampling: Pick<Sampling, 'temperature' | 'stopSequences'>;
}

/**
 * Reads the params of a `sampling/createMessage`; undefined for what is malformed or not served: tools, sound, results of
 * tools, and more than 64 messages. Wishes for another model and for the run's context are not heeded, as MCP allows.
 */
export function readSampling(params: JsonObject): SamplingRequest | undefined {
  const { messages, maxTokens, systemPrompt = '', temperature, stopSequences, tools } = params;
  if (Array.isArray(tools) ? tools.length > 0 : tools !== undefined) return undefined;
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > messagesMax) {
    return undefined;
  }
  if (!Number.isSafeInteger(maxTokens) || Number(maxTokens) < 1) return undefined;
  if (typeof systemPrompt !== 'string') return undefined;
  const read = messages.map((message: Json) => readMessage(message));
  const known = read.filter((message) => message !== undefined);
  if (known.length < read.length) return undefined;
  return {
    messages: systemPrompt === '' ? known : [{ role: 'system', content: systemPrompt }, ...known],
    maxOutputTokens: Number(maxTokens),
    sampling: {
      ...(isTemperature(temperature) ? { temperature } : {}),
      ...(isStopSequences(stopSequences) ? { stopSequences } : {}),
    },
  };
}

function readMessage(given: Json): Message | undefined {
  if (!isJsonObject(given)) return undefined;
  const { role, content = null } = given;
  const blocks: readonly Json[] = Array.isArray(content) ? content : [content];
  const parts = blocks.map(readPart).filter((part) => part !== undefined);
  if (parts.length < blocks.length || parts.length === 0) return undefined;
  if (role === 'user') return { role, content: parts };
  if (role !== 'assistant') return undefined;
  const texts = parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  return texts.length < parts.length
    ? undefined
    : { role, content: texts.join('\n'), toolCalls: [] };
}

function readPart(given: Json): ContentPart | undefined {
  if (!isJsonObject(given)) return undefined;
  const { type, text, data, mimeType } = given;
  if (type === 'text' && typeof text === 'string') return { type, text };
  if (type === 'image' && isText(data, base64) && isText(mimeType, imageType)) {
    return { type, mediaType: mimeType, source: { base64: data } };
  }
  return undefined;
}

function isText(value: Json | undefined, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function isTemperature(given: Json | undefined): given is number {
  return typeof given === 'number' && given >= 0 && given <= 2;
}

function isStopSequences(given: Json | undefined): given is readonly string[] {
  return (
    Array.isArray(given) &&
    given.length > 0 &&
    given.length <= stopSequencesMax &&
    given.every(
      (text: Json) =>
        typeof text === 'string' && text.length > 0 && text.length <= stopSequenceLengthMax,
    )
  );
}
