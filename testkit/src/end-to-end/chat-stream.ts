/** How the providers of these tests speak chat completions. */
import type { ServerResponse } from 'node:http';

/** A tool call of a model; the arguments are sent as they are. */
export interface ChatCall {
  readonly name: string;
  readonly arguments: string;
}

/** The last message of the user, and whether results of tools have come since. */
export function readConversation(body: string): {
  readonly task: unknown;
  readonly isAfterTools: boolean;
} {
  // Its sender is the host, whose requests other tests check.
  const { messages } = JSON.parse(body) as {
    readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  };
  const task = messages.findLast(({ role }) => role === 'user')?.content;
  return { task, isAfterTools: messages.at(-1)?.role === 'tool' };
}

/** Begins an event stream. */
export function begin(
  response: ServerResponse,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  response.flushHeaders();
}

/** Sends the rest of a stream, and with it why the answer is over. */
export function end(
  response: ServerResponse,
  chunks: string,
  finishReason: 'stop' | 'tool_calls',
): void {
  const usage = { prompt_tokens: 10, completion_tokens: 5 };
  const last = chunk({ delta: {}, finish_reason: finishReason }, usage);
  response.end(`${chunks}${last}data: [DONE]\n\n`);
}

/** A piece of the text. */
export function delta(content: string): string {
  return chunk({ delta: { content } });
}

/** All the calls of an answer. */
export function callsOf(calls: readonly ChatCall[]): string {
  const listed = calls.map((call, index) => ({
    index,
    id: `call-${index}`,
    type: 'function',
    function: call,
  }));
  return chunk({ delta: { tool_calls: listed } });
}

function chunk(choice: object, usage?: object): string {
  const event = { id: 'mock', model: 'mock-1', choices: [{ index: 0, ...choice }], usage };
  return `data: ${JSON.stringify(event)}\n\n`;
}

/** An answer without a stream. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}
