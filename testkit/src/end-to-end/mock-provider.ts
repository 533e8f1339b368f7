import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startLoopbackServer } from '../loopback-server.ts';
import { begin, callsOf, delta, end, readConversation, sendJson } from './chat-stream.ts';
import type { ChatCall } from './chat-stream.ts';

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
  | { readonly type: 'calls'; readonly calls: readonly ChatCall[] }
  /** A small answer that becomes very large. */
  | { readonly type: 'gzip-bomb' };

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
  const { task, isAfterTools } = readConversation(await text(request));
  const answer = readAnswer(task);
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

function readAnswer(task: unknown): MockAnswer {
  // Tests write it, and the host sends it as it was.
  const [part] = Array.isArray(task) ? (task as readonly { readonly text: string }[]) : [];
  return JSON.parse(part?.text ?? String(task)) as MockAnswer;
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

function sendCalls(response: ServerResponse, calls: readonly ChatCall[]): void {
  begin(response);
  end(response, callsOf(calls), 'tool_calls');
}

async function sendEndless(response: ServerResponse): Promise<void> {
  begin(response);
  const closed = once(response, 'close');
  while (!response.destroyed) {
    // Waits for the reader, or for its end.
    if (!response.write(delta('and so on ').repeat(64))) {
      await Promise.race([once(response, 'drain'), closed]); // oxlint-disable-line no-await-in-loop
    }
  }
}
