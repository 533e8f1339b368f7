import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startLoopbackServer } from '../loopback-server.ts';

/** What the mock is told to answer: the task of the run is this, as JSON. */
export type MockAnswer =
  /** So many deltas, then the end. */
  | { readonly type: 'text'; readonly deltas: number }
  /** One delta; the rest when the test releases it. */
  | { readonly type: 'wait'; readonly id: string }
  /** Nothing at all, until the connection is closed. */
  | { readonly type: 'silent'; readonly id: string }
  /** Deltas until the connection is closed. */
  | { readonly type: 'endless' }
  /** One delta, then the connection breaks. */
  | { readonly type: 'cut' }
  | { readonly type: 'raw'; readonly contentType: string; readonly body: string }
  | {
      readonly type: 'error';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: string;
    }
  /** Asks for tools at first, and is done once it has their results. */
  | { readonly type: 'calls'; readonly calls: readonly MockCall[] }
  /** A small answer that becomes very large. */
  | { readonly type: 'gzip-bomb' };

/** A tool call of the mock model; the arguments are sent as they are. */
export interface MockCall {
  readonly name: string;
  readonly arguments: string;
}

/** A request that the mock holds open. */
export interface HeldRequest {
  /** Resolves with the time (`performance.now`) when the connection was closed or the answer was complete. */
  readonly closed: Promise<number>;
  /** Sends the rest of the answer. */
  release(): void;
}

/** A provider that speaks chat completions over HTTP and does what its input says. */
export interface MockProvider {
  /** Base URL of a provider. */
  readonly url: string;
  /** Base URL of one whose health check is never answered. */
  readonly sleepyUrl: string;
  /** Resolves when the request of a `wait` or `silent` answer with this id has come, for the first time or the given one. */
  held(id: string, time?: number): Promise<HeldRequest>;
}

/** Listens on a free port of the loopback address; closed after the test. */
export async function startMockProvider(t: TestContext): Promise<MockProvider> {
  const arrivals = new Map<string, PromiseWithResolvers<HeldRequest>>();
  const times = new Map<string, number>();

  function arrival(id: string, time: number): PromiseWithResolvers<HeldRequest> {
    const key = JSON.stringify([id, time]);
    const known = arrivals.get(key) ?? Promise.withResolvers<HeldRequest>();
    arrivals.set(key, known);
    return known;
  }

  function arrive(id: string, held: HeldRequest): void {
    const time = (times.get(id) ?? 0) + 1;
    times.set(id, time);
    arrival(id, time).resolve(held);
  }

  const server = await startLoopbackServer(async (request, response) =>
    respond(request, response, arrive),
  );
  t.after(async () => server[Symbol.asyncDispose]());
  return {
    url: `${server.root}/v1`,
    sleepyUrl: `${server.root}/sleepy`,
    held: async (id, time = 1) => arrival(id, time).promise,
  };
}

type Hold = (id: string, held: HeldRequest) => void;

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  hold: Hold,
): Promise<void> {
  if (request.method === 'GET') {
    if (request.url?.startsWith('/v1/') === true) sendJson(response, 200, '{"data":[]}');
    return;
  }
  const { answer, isAfterTools } = readRequest(await text(request));
  switch (answer.type) {
    case 'text':
      return sendText(response, answer.deltas);
    case 'wait':
    case 'silent':
      return holdOpen(response, answer, hold);
    case 'endless':
      return await sendEndless(response);
    case 'cut':
      begin(response);
      response.write(delta('cut'), () => response.destroy());
      return;
    case 'raw':
      response.writeHead(200, { 'content-type': answer.contentType }).end(answer.body);
      return;
    case 'error':
      return sendJson(response, answer.status, answer.body, answer.headers);
    case 'calls':
      return isAfterTools ? sendText(response, 1) : sendCalls(response, answer.calls);
    case 'gzip-bomb':
      begin(response, { 'content-encoding': 'gzip' });
      response.end(gzipSync(Buffer.alloc(64 * 1_048_576, ': padding\n')));
  }
}

/** What the last message of the user asks for. */
function readRequest(body: string): {
  readonly answer: MockAnswer;
  readonly isAfterTools: boolean;
} {
  // Its peer is the host, whose requests other tests check.
  const { messages } = JSON.parse(body) as {
    readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  };
  const task = messages.findLast(({ role }) => role === 'user')?.content;
  const [part] = Array.isArray(task) ? (task as readonly { readonly text: string }[]) : [];
  return {
    answer: JSON.parse(part?.text ?? String(task)) as MockAnswer,
    isAfterTools: messages.at(-1)?.role === 'tool',
  };
}

function holdOpen(
  response: ServerResponse,
  answer: Extract<MockAnswer, { type: 'wait' | 'silent' }>,
  hold: Hold,
): void {
  const closed = Promise.withResolvers<number>();
  response.once('close', () => closed.resolve(performance.now()));
  if (answer.type === 'wait') {
    begin(response);
    response.write(delta('waiting '));
  }
  hold(answer.id, { closed: closed.promise, release: () => end(response, delta('done'), 'stop') });
}

function sendText(response: ServerResponse, deltas: number): void {
  begin(response);
  end(response, delta('word ').repeat(deltas), 'stop');
}

function sendCalls(response: ServerResponse, calls: readonly MockCall[]): void {
  begin(response);
  const toolCalls = calls.map((call, index) => ({
    index,
    id: `call-${index}`,
    type: 'function',
    function: call,
  }));
  end(response, chunk({ delta: { tool_calls: toolCalls } }), 'tool_calls');
}

async function sendEndless(response: ServerResponse): Promise<void> {
  begin(response);
  while (!response.destroyed) {
    // Waits for the reader, or for its end.
    if (!response.write(delta('and so on ').repeat(64))) {
      await Promise.race([once(response, 'drain'), once(response, 'close')]); // oxlint-disable-line no-await-in-loop
    }
  }
}

function begin(response: ServerResponse, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  response.flushHeaders();
}

function end(response: ServerResponse, chunks: string, finishReason: string): void {
  const usage = { prompt_tokens: 10, completion_tokens: 5 };
  const last = chunk({ delta: {}, finish_reason: finishReason }, usage);
  response.end(`${chunks}${last}data: [DONE]\n\n`);
}

function delta(content: string): string {
  return chunk({ delta: { content } });
}

function chunk(choice: object, usage?: object): string {
  const event = { id: 'mock', model: 'mock-1', choices: [{ index: 0, ...choice }], usage };
  return `data: ${JSON.stringify(event)}\n\n`;
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}
