import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { JsonObject, Message } from '@modelhost/kernel';
import { userTextOf } from './scripted-answer.ts';

/** A call of the conversation, with what came of it. */
export interface PastCall {
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly isError: boolean;
  readonly content: string;
}

/** What happened since the last message of the user. */
export interface Transcript {
  readonly task: string;
  /** From 1: the turn that is to be answered. */
  readonly turn: number;
  readonly calls: readonly PastCall[];
}

/** Reads the conversation. A call whose result is missing counts as failed. */
export function readTranscript(messages: readonly Message[]): Transcript {
  const start = messages.findLastIndex(({ role }) => role === 'user');
  const asked = messages[start];
  const since = messages.slice(start + 1);
  const answers = since.filter((message) => message.role === 'assistant');
  const results = new Map(
    since.flatMap((message) =>
      message.role === 'tool' ? [[message.toolCallId, message] as const] : [],
    ),
  );
  const calls = answers.flatMap(({ toolCalls }) =>
    toolCalls.map((call) => {
      const { isError = true, content = 'no result' } = results.get(call.id) ?? {};
      return { tool: call.name, arguments: readArguments(call.arguments), isError, content };
    }),
  );
  return {
    task: asked?.role === 'user' ? userTextOf(asked) : '',
    turn: answers.length + 1,
    calls,
  };
}

function readArguments(text: string): JsonObject {
  try {
    const value = parseJsonText(text);
    return isJsonObject(value) ? value : {};
  } catch {
    // A script may write arguments that are no JSON, to see what the host does.
    return {};
  }
}
