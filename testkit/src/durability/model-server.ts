import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Owner } from '../end-to-end/start-host.ts';
import { startLoopbackServer } from '../loopback-server.ts';

/** What a run is for; the model is told it as JSON, and does it whatever it said before. */
export interface Task {
  readonly name: string;
  /** Calls of each turn but the last. */
  readonly rounds: readonly (readonly TaskCall[])[];
  /** Of each answer. */
  readonly words: number;
}

/** A call of a tool; its text is its own, so that its effects can be counted. */
export interface TaskCall {
  readonly tool: string;
  readonly text: string;
}

/** A request that the model got: which turn of which task. */
export interface ModelRequest {
  readonly name: string;
  readonly turn: number;
}

interface Message {
  readonly role: string;
  readonly content?: unknown;
  readonly tool_calls?: readonly unknown[];
}

/** Pause between two words, so that a process can be killed among them. */
const pauseMs = 2;

/** Hears of a request before its answer begins; what it gives is called once the asker was there for all of the answer. */
export type OnModelRequest = (request: ModelRequest) => () => void;

/** A model that speaks chat completions and outlives the hosts that ask it. Gives its base URL. */
export async function startModelServer(owner: Owner, onRequest: OnModelRequest): Promise<string> {
  const server = await startLoopbackServer(async (request, response) =>
    respond(request, response, onRequest),
  );
  owner.after(async () => server[Symbol.asyncDispose]());
  return `${server.root}/v1`;
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  onRequest: OnModelRequest,
): Promise<void> {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[]}');
    return;
  }
  // Its peer is the host, whose requests other tests check.
  const { messages } = JSON.parse(await text(request)) as { readonly messages: Message[] };
  const task = readTask(messages);
  const turn = messages.filter(({ tool_calls: calls = [] }) => calls.length > 0).length + 1;
  const onTaken = onRequest({ name: task.name, turn });
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let word = 1; word <= task.words; word += 1) {
    response.write(chunk({ delta: { content: `${task.name}/${turn}/${word} ` } }));
    await delay(pauseMs);
  }
  const calls = task.rounds[turn - 1] ?? [];
  if (calls.length > 0) response.write(chunk({ delta: { tool_calls: calls.map(callOf) } }));
  const usage = { prompt_tokens: 10, completion_tokens: 5 };
  const finish = calls.length > 0 ? 'tool_calls' : 'stop';
  if (!response.destroyed) onTaken();
  response.end(`${chunk({ delta: {}, finish_reason: finish }, usage)}data: [DONE]\n\n`);
}

function readTask(messages: readonly Message[]): Task {
  const content = messages.findLast(({ role }) => role === 'user')?.content;
  const [part] = Array.isArray(content) ? (content as readonly { readonly text: string }[]) : [];
  // The tests wrote it.
  return JSON.parse(part?.text ?? String(content)) as Task;
}

function callOf({ tool, text: argument }: TaskCall, index: number): object {
  const call = { name: tool, arguments: JSON.stringify({ text: argument }) };
  return { index, id: `call-${index}`, type: 'function', function: call };
}

function chunk(choice: object, usage?: object): string {
  const event = { id: 'model', model: 'model-1', choices: [{ index: 0, ...choice }], usage };
  return `data: ${JSON.stringify(event)}\n\n`;
}
