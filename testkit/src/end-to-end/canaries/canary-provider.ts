import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { startLoopbackServer } from '../../loopback-server.ts';
import type { Owner } from '../start-host.ts';
import type { Output } from './search.ts';

/** What the provider says, apart from plain words. */
export interface ProviderTexts {
  /** In an answer, in pieces. */
  readonly answer: string;
  /** The name of a tool that is none. */
  readonly toolName: string;
  /** The JSON text of a call's arguments. */
  readonly arguments: string;
  /** In the body of an error. */
  readonly error: string;
  /** In a header of an error. */
  readonly header: string;
  /** An answer breaks off in the middle of this one. */
  readonly broken: string;
}

/** A provider of chat completions that says what it must not, and keeps what it was sent. */
export interface CanaryProvider {
  readonly url: string;
  /** Headers and bodies of all requests so far. */
  received(): readonly Output[];
}

/** The word of the task that says what is answered. */
export type ProviderTask = 'finish' | 'fail' | 'break-off';

const pieceLength = 7;

/** Listens on a free port until its owner ends. */
export async function startCanaryProvider(
  owner: Owner,
  texts: ProviderTexts,
): Promise<CanaryProvider> {
  const received: Output[] = [];
  const server = await startLoopbackServer(async (request, response) =>
    answer(request, response, texts, received),
  );
  owner.after(async () => server[Symbol.asyncDispose]());
  return { url: `${server.root}/v1`, received: () => received };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  texts: ProviderTexts,
  received: Output[],
): Promise<void> {
  const body = await buffer(request);
  const headers = Buffer.from(`${request.rawHeaders.join('\n')}\n\n`);
  received.push({ name: 'what the provider got', bytes: Buffer.concat([headers, body]) });
  if (request.method === 'GET') {
    return respond(response, 500, JSON.stringify({ error: { message: texts.error } }));
  }
  const { task, isAfterTools } = readTask(body.toString());
  switch (task) {
    case 'fail': {
      const error = JSON.stringify({ error: { message: `No: ${texts.error}`, code: texts.error } });
      return respond(response, 400, error, { 'x-debug': texts.header });
    }
    case 'break-off':
      begin(response);
      response.write(deltas(`${texts.answer} and then ${texts.broken.slice(0, -40)}`));
      return;
    case 'finish':
      begin(response);
      if (isAfterTools) return end(response, deltas(`${texts.answer} and that is all`), 'stop');
      return end(response, deltas(texts.answer) + callsOf(texts), 'tool_calls');
  }
}

/** The host is its only peer, and each task begins with its word. */
function readTask(body: string): { readonly task: ProviderTask; readonly isAfterTools: boolean } {
  const { messages } = JSON.parse(body) as {
    readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  };
  const content = JSON.stringify(messages.findLast(({ role }) => role === 'user')?.content);
  const tasks: readonly ProviderTask[] = ['finish', 'fail', 'break-off'];
  const task = tasks.find((word) => content.includes(`Task: ${word}.`));
  if (task === undefined) throw new Error(`no task in ${content}`);
  return { task, isAfterTools: messages.at(-1)?.role === 'tool' };
}

function callsOf({ toolName, arguments: argumentsText }: ProviderTexts): string {
  const names = ['tools__look', 'tools__long', 'tools__refuse', toolName];
  const calls = names.map((name, index) => ({
    index,
    id: `call-${index}`,
    type: 'function',
    function: { name, arguments: argumentsText },
  }));
  return chunk({ delta: { tool_calls: calls } });
}

function deltas(text: string): string {
  const pieces = Array.from({ length: Math.ceil(text.length / pieceLength) }, (_, at) =>
    text.slice(at * pieceLength, (at + 1) * pieceLength),
  );
  return pieces.map((content) => chunk({ delta: { content } })).join('');
}

function chunk(choice: object, usage?: object): string {
  const event = { id: 'canary', model: 'm', choices: [{ index: 0, ...choice }], usage };
  return `data: ${JSON.stringify(event)}\n\n`;
}

function begin(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
}

function end(response: ServerResponse, chunks: string, finishReason: string): void {
  const usage = { prompt_tokens: 10, completion_tokens: 5 };
  const last = chunk({ delta: {}, finish_reason: finishReason }, usage);
  response.end(`${chunks}${last}data: [DONE]\n\n`);
}

function respond(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}
