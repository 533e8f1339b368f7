import type { ErrorCode, FinishReason, Message } from '@modelhost/kernel';

/** What the demo model is about to answer, before it is fitted to the bound of the request. */
export interface ScriptedAnswer {
  readonly text: string;
  readonly toolCalls: readonly ScriptedCall[];
  /** Undefined: what follows from the calls. */
  readonly finishReason: FinishReason | undefined;
  readonly delayMs: number;
  /** Thrown after the text was streamed. */
  readonly error:
    | { readonly code: ErrorCode; readonly message: string; readonly retryAfterMs?: number }
    | undefined;
}

/** A call with its arguments as JSON text. */
export interface ScriptedCall {
  readonly name: string;
  readonly arguments: string;
}

/** An answer within its bound. */
export interface FittedAnswer {
  readonly text: string;
  readonly toolCalls: readonly ScriptedCall[];
  readonly finishReason: FinishReason;
  readonly outputTokens: number;
}

/** An answer of plain text. */
export function textAnswer(text: string): ScriptedAnswer {
  return { text, toolCalls: [], finishReason: undefined, delayMs: 0, error: undefined };
}

/** Cuts text, and leaves out calls, that do not fit; then the finish reason is `length`. A token is four bytes. */
export function fitAnswer(answer: ScriptedAnswer, bytesMax: number): FittedAnswer {
  const text = cutToBytes(answer.text, bytesMax);
  let bytes = Buffer.byteLength(text);
  const toolCalls: ScriptedCall[] = [];
  let isCut = text !== answer.text;
  for (const call of answer.toolCalls) {
    const callBytes = Buffer.byteLength(call.name + call.arguments);
    isCut ||= bytes + callBytes > bytesMax;
    if (isCut) break;
    bytes += callBytes;
    toolCalls.push(call);
  }
  const natural = toolCalls.length > 0 ? 'tool-calls' : 'stop';
  return {
    text,
    toolCalls,
    finishReason: isCut ? 'length' : (answer.finishReason ?? natural),
    outputTokens: Math.ceil(bytes / 4),
  };
}

/** The longest start of the text that has at most so many bytes of UTF-8. */
export function cutToBytes(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) return text;
  let end = Math.max(0, bytesMax);
  // A byte that begins with the bits 10 continues a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** The deltas of a text: a word with the white space after it, and long words in pieces. */
export function chunksOf(text: string): readonly string[] {
  return text.match(/\S{1,24}\s{0,24}|\s{1,24}/gu) ?? [];
}

/** Tokens of the conversation, at four bytes each; pictures and files count by their reference only. */
export function inputTokensOf(messages: readonly Message[]): number {
  return Math.ceil(
    messages.reduce((sum, message) => sum + Buffer.byteLength(textOf(message)), 0) / 4,
  );
}

function textOf(message: Message): string {
  switch (message.role) {
    case 'system':
    case 'tool':
      return message.content;
    case 'user':
      return userTextOf(message);
    case 'assistant':
      return message.toolCalls.reduce(
        (text, call) => text + call.name + call.arguments,
        message.content,
      );
  }
}

/** What a person wrote: the text parts of a message. */
export function userTextOf(message: Extract<Message, { role: 'user' }>): string {
  return message.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
}
