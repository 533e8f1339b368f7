import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import type { CompletionStats, ModelEvent, ModelRequest, ToolCall } from '@modelhost/kernel';

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

/** A small request; `changes` replace its members. */
export function requestOf(changes: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: 'model-1',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
    tools: [],
    toolChoice: { type: 'auto' },
    sampling: {},
    maxOutputTokens: 100,
    answerSchema: undefined,
    idempotencyKey: 'run-1/turn-1/model',
    ...changes,
  };
}

const pixel = 'iVBORw0KGgo=';

/** A conversation with everything a request can hold. */
export const fullRequest: ModelRequest = requestOf({
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'system', content: 'Use tools.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Look' },
        { type: 'image', mediaType: 'image/png', source: { base64: pixel } },
        { type: 'image', mediaType: 'image/png', source: { uri: 'https://example.com/a.png' } },
        {
          type: 'file',
          mediaType: 'application/pdf',
          name: 'a.pdf',
          uri: 'data:application/pdf;base64,JVBERg==',
        },
        {
          type: 'file',
          mediaType: 'application/pdf',
          name: 'b.pdf',
          uri: 'https://example.com/b.pdf',
        },
        { type: 'file', mediaType: 'text/csv', name: 'c.csv', uri: 'memory://c' },
      ],
    },
    {
      role: 'assistant',
      content: '',
      toolCalls: [
        { id: 'call:1', name: 'fs__read', arguments: '{"path":"a"}' },
        { id: 'call:2', name: 'fs__list', arguments: '{oops' },
      ],
    },
    { role: 'tool', toolCallId: 'call:1', toolName: 'fs__read', content: 'text a', isError: false },
    { role: 'tool', toolCallId: 'call:2', toolName: 'fs__list', content: 'failed', isError: true },
    { role: 'assistant', content: 'Done.', toolCalls: [] },
    { role: 'user', content: [{ type: 'text', text: 'Again' }] },
  ],
  tools: [
    {
      name: 'fs__read',
      description: 'Reads a file',
      inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
      effect: 'none',
      server: 'fs',
      serverTool: 'read',
      executor: 'host',
    },
  ],
  toolChoice: { type: 'required' },
  sampling: { temperature: 0.5, topP: 0.9, stopSequences: ['END'], seed: 7 },
  answerSchema: { type: 'object', properties: { answer: { type: 'string' } } },
});
