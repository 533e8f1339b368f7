import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { startLoopbackServer } from '../../loopback-server.ts';
import { begin, callsOf, delta, end, readConversation, sendJson } from '../chat-stream.ts';
import type { ChatCall } from '../chat-stream.ts';
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
    return sendJson(response, 500, JSON.stringify({ error: { message: texts.error } }));
  }
  const { task, isAfterTools } = readTask(body.toString());
  switch (task) {
    case 'fail': {
      const error = JSON.stringify({ error: { message: `No: ${texts.error}`, code: texts.error } });
      return sendJson(response, 400, error, { 'x-debug': texts.header });
    }
    case 'break-off':
      begin(response);
      response.write(deltas(`${texts.answer} and then ${texts.broken.slice(0, -40)}`));
      return;
    case 'finish':
      begin(response);
      if (isAfterTools) return end(response, deltas(`${texts.answer} and that is all`), 'stop');
      return end(response, deltas(texts.answer) + callsOf(callsIn(texts)), 'tool_calls');
  }
}

/** Each task begins with its word. */
function readTask(body: string): { readonly task: ProviderTask; readonly isAfterTools: boolean } {
  const conversation = readConversation(body);
  const content = JSON.stringify(conversation.task);
  const tasks: readonly ProviderTask[] = ['finish', 'fail', 'break-off'];
  const task = tasks.find((word) => content.includes(`Task: ${word}.`));
  if (task === undefined) throw new Error(`no task in ${content}`);
  return { task, isAfterTools: conversation.isAfterTools };
}

function callsIn({ toolName, arguments: argumentsText }: ProviderTexts): readonly ChatCall[] {
  const names = ['tools__look', 'tools__long', 'tools__refuse', toolName];
  return names.map((name) => ({ name, arguments: argumentsText }));
}

function deltas(text: string): string {
  const pieces = Array.from({ length: Math.ceil(text.length / pieceLength) }, (_, at) =>
    text.slice(at * pieceLength, (at + 1) * pieceLength),
  );
  return pieces.map(delta).join('');
}
