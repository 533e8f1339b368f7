import type { ContentPart, Message, ModelRequest, ToolChoice } from '@modelhost/kernel';

import { describeFile, readArgumentsText, readDataUri, toImageUri } from '../message-parts.ts';

/**
 * How servers of this API differ: `openai` wants `max_completion_tokens`; `compatible` servers know `max_tokens`;
 * `mistral` refuses unknown members, reports usage unasked and has its own name for the seed.
 */
export type OpenAiChatDialect = 'openai' | 'mistral' | 'compatible';

/** The body of a chat completions call. */
export function createRequestBody(request: ModelRequest, dialect: OpenAiChatDialect): unknown {
  const { model, messages, sampling, maxOutputTokens, answerSchema } = request;
  return {
    model,
    messages: messages.map((message) => createMessage(message)),
    stream: true,
    ...(dialect === 'mistral' ? {} : { stream_options: { include_usage: true } }),
    [dialect === 'openai' ? 'max_completion_tokens' : 'max_tokens']: maxOutputTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    stop: sampling.stopSequences,
    [dialect === 'mistral' ? 'random_seed' : 'seed']: sampling.seed,
    ...createTools(request),
    response_format:
      answerSchema === undefined
        ? undefined
        : {
            type: 'json_schema',
            // Strict mode refuses most schemas; whoever asked checks the answer anyway.
            json_schema: { name: 'answer', schema: answerSchema, strict: false },
          },
  };
}

function createTools({ tools, toolChoice }: ModelRequest): Readonly<Record<string, unknown>> {
  // A choice without tools is refused.
  if (tools.length === 0) return {};
  return {
    tools: tools.map(({ name, description, inputSchema }) => ({
      type: 'function',
      function: { name, description, parameters: inputSchema },
    })),
    tool_choice: createToolChoice(toolChoice),
  };
}

function createToolChoice(choice: ToolChoice): unknown {
  return choice.type === 'tool'
    ? { type: 'function', function: { name: choice.name } }
    : choice.type;
}

function createMessage(message: Message): unknown {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.content };
    case 'user':
      return { role: 'user', content: createContent(message.content) };
    case 'assistant':
      return {
        role: 'assistant',
        content: message.content === '' && message.toolCalls.length > 0 ? null : message.content,
        tool_calls:
          message.toolCalls.length === 0
            ? undefined
            : message.toolCalls.map((call) => ({
                id: call.id,
                type: 'function',
                // Templates of several servers parse the arguments and fail on invalid JSON.
                function: {
                  name: call.name,
                  arguments: readArgumentsText(call.arguments),
                },
              })),
      };
    case 'tool':
      return { role: 'tool', tool_call_id: message.toolCallId, content: message.content };
  }
}

function createContent(parts: readonly ContentPart[]): unknown {
  const created = parts.map((part) => createPart(part));
  // Servers for text models take a plain text only.
  const texts = created.map((part) => (part.type === 'text' ? part.text : undefined));
  return texts.every((text) => text !== undefined) ? texts.join('\n\n') : created;
}

type ChatPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } }
  | {
      readonly type: 'file';
      readonly file: { readonly filename: string; readonly file_data: string };
    };

function createPart(part: ContentPart): ChatPart {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'image':
      return { type: 'image_url', image_url: { url: toImageUri(part) } };
    case 'file':
      return readDataUri(part.uri) === undefined
        ? { type: 'text', text: describeFile(part) }
        : { type: 'file', file: { filename: part.name, file_data: part.uri } };
  }
}
