import type { ContentPart, Message, ModelRequest, ToolChoice } from '@modelhost/kernel';

import { describeFile, joinSystemTexts, readDataUri, toImageUri } from '../message-parts.ts';

/**
 * The body of a responses call. The provider keeps nothing: the conversation is ours. The API has neither stop
 * sequences nor a seed.
 */
export function createRequestBody(request: ModelRequest): unknown {
  const { model, messages, sampling, maxOutputTokens, answerSchema } = request;
  return {
    model,
    instructions: joinSystemTexts(messages),
    input: messages.flatMap((message) => createItems(message)),
    stream: true,
    store: false,
    max_output_tokens: maxOutputTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    ...createTools(request),
    text:
      answerSchema === undefined
        ? undefined
        : {
            // Strict mode refuses most schemas; whoever asked checks the answer anyway.
            format: { type: 'json_schema', name: 'answer', schema: answerSchema, strict: false },
          },
  };
}

function createTools({ tools, toolChoice }: ModelRequest): Readonly<Record<string, unknown>> {
  if (tools.length === 0) return {};
  return {
    tools: tools.map(({ name, description, inputSchema }) => ({
      type: 'function',
      name,
      description,
      parameters: inputSchema,
      strict: false,
    })),
    tool_choice: createToolChoice(toolChoice),
  };
}

function createToolChoice(choice: ToolChoice): unknown {
  return choice.type === 'tool' ? { type: 'function', name: choice.name } : choice.type;
}

function createItems(message: Message): readonly unknown[] {
  switch (message.role) {
    case 'system':
      return [];
    case 'user':
      return [{ role: 'user', content: message.content.map((part) => createPart(part)) }];
    case 'assistant':
      return [
        ...(message.content === '' ? [] : [{ role: 'assistant', content: message.content }]),
        ...message.toolCalls.map((call) => ({
          type: 'function_call',
          call_id: call.id,
          name: call.name,
          arguments: call.arguments,
        })),
      ];
    case 'tool':
      return [
        { type: 'function_call_output', call_id: message.toolCallId, output: message.content },
      ];
  }
}

function createPart(part: ContentPart): unknown {
  switch (part.type) {
    case 'text':
      return { type: 'input_text', text: part.text };
    case 'image':
      return { type: 'input_image', image_url: toImageUri(part) };
    case 'file':
      if (readDataUri(part.uri) !== undefined) {
        return { type: 'input_file', filename: part.name, file_data: part.uri };
      }
      return /^https?:/u.test(part.uri)
        ? { type: 'input_file', file_url: part.uri }
        : { type: 'input_text', text: describeFile(part) };
  }
}
