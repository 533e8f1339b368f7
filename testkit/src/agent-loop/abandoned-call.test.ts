import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createJsonSchemas } from '@modelhost/json-schema';
import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { createMcpGateway, toolServerDefaults } from '@modelhost/mcp-gateway';
import type { McpGateway } from '@modelhost/mcp-gateway';
import { startLoopbackServer } from '../loopback-server.ts';
import { bodies, play } from './play.ts';

/** A tool server of 2025-11-25 over HTTP whose one tool asks and waits for the answer. */
interface AskingServer {
  readonly url: string;
  readonly callId: () => Json;
  /** The params of the first `notifications/cancelled`. */
  readonly cancelled: Promise<JsonObject>;
}

async function serveAsking(t: TestContext): Promise<AskingServer> {
  const cancelled = Promise.withResolvers<JsonObject>();
  let callId: Json = null;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const message: unknown = request.method === 'POST' ? await json(request) : undefined;
    const { id = null, method = '', params = {} } = isJsonObject(message) ? message : {};
    if (method === 'notifications/cancelled' && isJsonObject(params)) cancelled.resolve(params);
    if (method === 'tools/call') {
      callId = id;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify(question)}\n\n`);
      return;
    }
    const result = id === null ? undefined : results[typeof method === 'string' ? method : ''];
    const error = { code: -32_601, message: 'no such method' };
    if (id === null) response.writeHead(request.method === 'POST' ? 202 : 405).end();
    else {
      response.writeHead(result === undefined ? 400 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...(result ? { result } : { error }) }));
    }
  }

  const server = await startLoopbackServer(answer);
  t.after(async () => server[Symbol.asyncDispose]());
  const url = `${server.root}/mcp`;
  return { url, callId: () => callId, cancelled: cancelled.promise };
}

const question = {
  jsonrpc: '2.0',
  id: 'q',
  method: 'elicitation/create',
  params: {
    message: 'Who?',
    requestedSchema: { type: 'object', properties: { who: { type: 'string' } } },
  },
};
const results: Readonly<Record<string, JsonObject>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'asking', version: '1' },
  },
  'tools/list': { tools: [{ name: 'ask', inputSchema: { type: 'object' } }] },
};

async function openGateway(t: TestContext, url: string): Promise<McpGateway> {
  const gateway = createMcpGateway({
    servers: [
      {
        ...toolServerDefaults,
        alias: 'desk',
        transport: { type: 'http', url, headers: {} },
        effects: {},
        allowPrivateNetwork: true,
      },
    ],
    schemas: createJsonSchemas(),
    clientVersion: '1.2.3',
    environment: {},
    pinStore: { load: async () => ({ servers: {} }), save: async () => {} },
  });
  t.after(() => gateway.close());
  await gateway.connected();
  return gateway;
}

test('a run that is cancelled while a person is asked tells the tool server, by the id of its call', async (t) => {
  const server = await serveAsking(t);
  const gateway = await openGateway(t, server.url);
  const played = await play(
    {
      turns: [{ calls: [['desk__ask', '{}']] }],
      tools: gateway.listTools('acme'),
      schemas: createJsonSchemas(),
      callTool: (invocation, signal) => gateway.callTool(invocation, { signal }),
      abandonCall: (principal, state) => gateway.abandonCall(principal, state),
    },
    {},
    (body, act) => (body.type === 'input-requested' ? act.cancel() : undefined),
  );
  assert.equal(bodies(played, 'input-requested').length, 1);
  assert.equal(played.result.ending.reason, 'cancelled');
  assert.equal((await server.cancelled)['requestId'], server.callId());
  assert.notEqual(server.callId(), null);
});
