import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

import { HostError } from '@modelhost/kernel';
import type { CompletionStats, LlmProvider, ModelEvent, ToolCall } from '@modelhost/kernel';

import type { ProviderBounds } from './bounds.ts';
import { createOpenAiChatProvider } from './openai-chat/provider.ts';

/** A provider's server on this machine. */
export interface TestServer extends AsyncDisposable {
  readonly baseUrl: string;
  readonly requests: readonly ReceivedRequest[];
  readonly connections: ReadonlySet<Socket>;
  /** Connections there ever were. */
  connectionCount(): number;
}

/** A request as the server saw it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Starts a server that answers with `answer` once it has read the request. */
export async function serve(
  answer: (response: ServerResponse, request: ReceivedRequest) => void | Promise<void>,
): Promise<TestServer> {
  const requests: ReceivedRequest[] = [];
  const connections = new Set<Socket>();
  let connectionCount = 0;
  const server = createServer((incoming, response) => {
    void readBody(incoming).then((body) => {
      const { method = '', url = '', headers } = incoming;
      const request = { method, path: url, headers, body };
      requests.push(request);
      return answer(response, request);
    });
  });
  server.on('connection', (socket) => {
    connectionCount += 1;
    connections.add(socket);
    // A reset is what some tests are about.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => connections.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server has an address object once it listens.
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    connections,
    connectionCount: () => connectionCount,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  // An HTTP request without an encoding gives buffers.
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Begins an event stream. */
export function beginEvents(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
}

/** One event with JSON data. */
export function sseEvent(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** A chat chunk with text, or the last one. */
export function chatText(content: string, finishReason: string | null = null): string {
  return sseEvent({ choices: [{ index: 0, delta: { content }, finish_reason: finishReason }] });
}

/** A whole chat answer as an event stream. */
export const chatAnswer: string = `${chatText('hello')}${chatText('', 'stop')}data: [DONE]\n\n`;

/** Answers with `chatAnswer`. */
export function answerWhole(response: ServerResponse): void {
  beginEvents(response);
  response.end(chatAnswer);
}

/** Begins an answer, and sends nothing after its first text. */
export function fallSilent(response: ServerResponse): void {
  beginEvents(response);
  response.write(chatText('a'));
}

/** What an answer amounts to, however it was cut. */
export interface Collected {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly ToolCall[];
  readonly stats: CompletionStats;
}

/** Reads a stream to its end; throws where `done` is missing, doubled or not last. */
export async function collect(stream: AsyncIterable<ModelEvent>): Promise<Collected> {
  const events: ModelEvent[] = [];
  for await (const event of stream) events.push(event);
  return summarise(events);
}

/** Sums up the events of one answer. */
export function summarise(events: readonly ModelEvent[]): Collected {
  let text = '';
  let reasoning = '';
  const calls: ToolCall[] = [];
  let stats: CompletionStats | undefined;
  for (const event of events) {
    if (stats !== undefined) throw new Error('an event came after done');
    switch (event.type) {
      case 'text-delta':
        text += event.text;
        break;
      case 'reasoning-delta':
        reasoning += event.text;
        break;
      case 'tool-call':
        calls.push(event.call);
        break;
      case 'done':
        stats = event.stats;
    }
  }
  if (stats === undefined) throw new Error('the stream ended without done');
  return { text, reasoning, calls, stats };
}

/** A signal that never aborts. */
export const never: { readonly signal: AbortSignal } = { signal: new AbortController().signal };

/** A provider that closes itself. */
export type Opened = AsyncDisposable & { readonly provider: LlmProvider };

/** A chat provider named `mock`, with the key `canary`. */
export function open(baseUrl: string, bounds: Partial<ProviderBounds> = {}): Opened {
  const provider = createOpenAiChatProvider({ name: 'mock', baseUrl, apiKey: 'canary', bounds });
  return { provider, [Symbol.asyncDispose]: () => provider.close() };
}

/** Checks a provider's error by code and facts. */
export function expecting(
  code: string,
  facts: Readonly<Record<string, string>> = {},
): (error: unknown) => true {
  return (error: unknown): true => {
    assert.ok(error instanceof HostError, String(error));
    assert.equal(error.code, code, error.message);
    assert.deepEqual({ ...error.facts, provider: 'mock', ...facts }, error.facts);
    assert.ok(error.message.startsWith('mock: '), error.message);
    return true;
  };
}

/** A server below HTTP. */
export async function serveTcp(
  onSocket: (socket: Socket) => void,
): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    // A TCP server has an address object once it listens.
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Takes the first event of a stream, which is then under way. */
export async function first(stream: AsyncIterable<ModelEvent>): Promise<AsyncIterator<ModelEvent>> {
  const iterator = stream[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).done, false);
  return iterator;
}

/** Resolves when the server has lost all its connections. */
export async function closed(server: TestServer): Promise<void> {
  await Promise.all(
    [...server.connections].map((socket) => new Promise((resolve) => socket.on('close', resolve))),
  );
}
