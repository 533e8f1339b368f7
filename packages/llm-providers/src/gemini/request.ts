import type { ContentPart, Message, ModelRequest, ToolCall, ToolChoice } from '@modelhost/kernel';

import {
  describeFile,
  joinSystemTexts,
  joinTurns,
  readArguments,
  readDataUri,
} from '../message-parts.ts';

// Gemini 3 refuses calls without the signature of the thought behind them, which a conversation does not carry.
// This is the value its documentation gives for calls that come from elsewhere.
const thoughtSignature = Buffer.from('skip_thought_signature_validator').toString('base64');

/** Path of a call that streams. A model may carry its collection, as `tunedModels/x`. */
export function createRequestPath(model: string): string {
  const name = model.includes('/') ? model : `models/${model}`;
  const path = name.split('/').map((segment) => encodeURIComponent(segment));
  return `/${path.join('/')}:streamGenerateContent?alt=sse`;
}

/** The body of a generateContent call. */
export function createRequestBody(request: ModelRequest): unknown {
  const { messages, sampling, maxOutputTokens, answerSchema } = request;
  const system = joinSystemTexts(messages);
  return {
    systemInstruction: system === undefined ? undefined : { parts: [{ text: system }] },
    contents: joinTurns(messages.flatMap((message) => createTurn(message))),
    ...createTools(request),
    generationConfig: {
      maxOutputTokens,
      temperature: sampling.temperature,
      topP: sampling.topP,
      stopSequences: sampling.stopSequences,
      seed: sampling.seed,
      ...(answerSchema === undefined
        ? {}
        : { responseMimeType: 'application/json', responseJsonSchema: answerSchema }),
    },
  };
}

function createTools({ tools, toolChoice }: ModelRequest): Readonly<Record<string, unknown>> {
  if (tools.length === 0) return {};
  return {
    tools: [
      {
        functionDeclarations: tools.map(({ name, description, inputSchema }) => ({
          name,
          description,
          parametersJsonSchema: inputSchema,
        })),
      },
    ],
    toolConfig: { functionCallingConfig: createToolChoice(toolChoice) },
  };
}

function createToolChoice(choice: ToolChoice): unknown {
  switch (choice.type) {
    case 'auto':
      return { mode: 'AUTO' };
    case 'none':
      return { mode: 'NONE' };
    case 'required':
      return { mode: 'ANY' };
    case 'tool':
      return { mode: 'ANY', allowedFunctionNames: [choice.name] };
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
          role: 'model',
          parts: [
            ...(message.content === '' ? [] : [{ text: message.content }]),
            ...message.toolCalls.map((call, position) => createCall(call, position)),
          ],
        },
      ];
    case 'tool': {
      const { toolCallId: id, toolName: name, content } = message;
      const response = message.isError ? { error: content } : { output: content };
      return [{ role: 'user', parts: [{ functionResponse: { id, name, response } }] }];
    }
  }
}

function createCall(call: ToolCall, position: number): unknown {
  const { id, name } = call;
  return {
    functionCall: { id, name, args: readArguments(call.arguments) },
    // Of parallel calls only the first is signed.
    ...(position === 0 ? { thoughtSignature } : {}),
  };
}

function createPart(part: ContentPart): unknown {
  switch (part.type) {
    case 'text':
      return { text: part.text };
    case 'image':
      return 'uri' in part.source
        ? { fileData: { mimeType: part.mediaType, fileUri: part.source.uri } }
        : { inlineData: { mimeType: part.mediaType, data: part.source.base64 } };
    case 'file': {
      const data = readDataUri(part.uri);
      if (data !== undefined)
        return { inlineData: { mimeType: part.mediaType, data: data.base64 } };
      return /^(?:https?|gs):/u.test(part.uri)
        ? { fileData: { mimeType: part.mediaType, fileUri: part.uri } }
        : { text: describeFile(part) };
    }
  }
}
