import type { ContentPart, Message, ModelRequest, ToolChoice } from '@modelhost/kernel';

import {
  describeFile,
  joinSystemTexts,
  joinTurns,
  readArguments,
  readDataUri,
} from '../message-parts.ts';
import type { FilePart } from '../message-parts.ts';

/** The body of a messages call. The API has no seed. */
export function createRequestBody(request: ModelRequest): unknown {
  const { model, messages, sampling, maxOutputTokens, answerSchema } = request;
  const turns = joinTurns(messages.flatMap((message) => createTurn(message)));
  return {
    model,
    system: joinSystemTexts(messages),
    messages: turns.map(({ role, parts }) => ({ role, content: parts })),
    stream: true,
    max_tokens: maxOutputTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    stop_sequences: sampling.stopSequences,
    ...createTools(request),
    output_config:
      answerSchema === undefined
        ? undefined
        : { format: { type: 'json_schema', schema: answerSchema } },
  };
}

function createTools({ tools, toolChoice }: ModelRequest): Readonly<Record<string, unknown>> {
  if (tools.length === 0) return {};
  return {
    tools: tools.map(({ name, description, inputSchema }) => ({
      name,
      description,
      input_schema: inputSchema,
    })),
    tool_choice: createToolChoice(toolChoice),
  };
}

function createToolChoice(choice: ToolChoice): unknown {
  switch (choice.type) {
    case 'auto':
    case 'none':
      return { type: choice.type };
    case 'required':
      return { type: 'any' };
    case 'tool':
      return { type: 'tool', name: choice.name };
  }
}

function createTurn(message: Message): readonly { role: string; parts: readonly unknown[] }[] {
  switch (message.role) {
    case 'system':
      return [];
    case 'user':
      return [{ role: 'user', parts: message.content.map((part) => createPart(part)) }];
    case 'assistant':
      return [
        {
          role: 'assistant',
          parts: [
            // An empty text is refused.
            ...(message.content === '' ? [] : [{ type: 'text', text: message.content }]),
            ...message.toolCalls.map((call) => ({
              type: 'tool_use',
              id: createId(call.id),
              name: call.name,
              input: readArguments(call.arguments),
            })),
          ],
        },
      ];
    case 'tool':
      return [
        {
          role: 'user',
          parts: [
            {
              type: 'tool_result',
              tool_use_id: createId(message.toolCallId),
              content: message.content,
              is_error: message.isError,
            },
          ],
        },
      ];
  }
}

/** The API takes letters, digits, `_` and `-` only; ids of another provider may hold more. */
function createId(id: string): string {
  return id.replaceAll(/[^\w-]/gu, '_');
}

function createPart(part: ContentPart): unknown {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'image':
      return {
        type: 'image',
        source:
          'uri' in part.source
            ? { type: 'url', url: part.source.uri }
            : { type: 'base64', media_type: part.mediaType, data: part.source.base64 },
      };
    case 'file':
      return createFile(part);
  }
}

function createFile(part: FilePart): unknown {
  const data = readDataUri(part.uri);
  const isPdf = part.mediaType === 'application/pdf';
  if (isPdf && data !== undefined) {
    const source = { type: 'base64', media_type: part.mediaType, data: data.base64 };
    return { type: 'document', source, title: part.name };
  }
  if (isPdf && /^https?:/u.test(part.uri)) {
    return { type: 'document', source: { type: 'url', url: part.uri }, title: part.name };
  }
  if (part.mediaType.startsWith('text/') && data !== undefined) {
    const text = Buffer.from(data.base64, 'base64').toString('utf8');
    const source = { type: 'text', media_type: 'text/plain', data: text };
    return { type: 'document', source, title: part.name };
  }
  return { type: 'text', text: describeFile(part) };
}
