import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Json, JsonObject, ToolDefinition } from '@modelhost/kernel';
import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import { startLoopbackServer } from '../loopback-server.ts';
import type { Stage } from './stage.ts';

/** The outside of a host: a model and tool servers, over HTTP on the loopback address. */
export interface World extends AsyncDisposable {
  /** Base URL of the model's provider, which speaks chat completions. */
  readonly modelUrl: string;
  /** Address of the tool server with this alias. */
  toolUrl(alias: string): string;
}

/**
 * Serves the stages. The model does what its case says, whatever it reads; the seed of a request tells which stage it is
 * on. A tool server answers with what was recorded.
 */
export async function createWorld(stages: readonly Stage[]): Promise<World> {
  const server = await startLoopbackServer(async (request, response) =>
    respond(stages, request, response),
  );
  return {
    modelUrl: `${server.root}/v1`,
    toolUrl: (alias) => `${server.root}/mcp/${alias}`,
    [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
  };
}

async function respond(
  stages: readonly Stage[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? '';
  if (request.method !== 'POST') {
    // The provider's health check; a tool server here opens no stream by itself.
    if (path.startsWith('/v1/')) sendJson(response, { data: [] });
    else response.writeHead(405).end();
    return;
  }
  const body = parseJsonText(await text(request));
  if (!isJsonObject(body)) throw new Error('the host sent no object');
  if (path.startsWith('/v1/')) sendAnswer(stages, body, response);
  else {
    const stage = stages.find(({ alias }) => path === `/mcp/${alias}`);
    sendReply(response, body, stage === undefined ? undefined : reply(stage, body));
  }
}

function sendAnswer(stages: readonly Stage[], body: JsonObject, response: ServerResponse): void {
  const stage = stages[Number(body['seed'])];
  const messages = Array.isArray(body['messages']) ? body['messages'].filter(isJsonObject) : [];
  const answers = messages.filter(({ role }) => role === 'tool').length;
  const call = stage?.next(answers);
  const name = `${stage?.alias ?? ''}__${call?.tool ?? ''}`;
  const calls = [
    {
      index: 0,
      id: `call-${answers}`,
      type: 'function',
      function: { name, arguments: JSON.stringify(call?.arguments) },
    },
  ];
  const delta = call === undefined ? { content: 'Done.' } : { tool_calls: calls };
  const reason = call === undefined ? 'stop' : 'tool_calls';
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(
    `${chunk({ delta })}${chunk({ delta: {}, finish_reason: reason }, true)}data: [DONE]\n\n`,
  );
}

function chunk(choice: object, isLast = false): string {
  const usage = isLast ? { usage: { prompt_tokens: 10, completion_tokens: 5 } } : {};
  const event = { id: 'played', model: 'played', choices: [{ index: 0, ...choice }], ...usage };
  return `data: ${JSON.stringify(event)}\n\n`;
}

type Reply = { readonly result: object } | { readonly error: object };

function reply(stage: Stage, { method, params }: JsonObject): Reply {
  const known = replies.get(typeof method === 'string' ? method : '');
  if (known === undefined) return { error: { code: -32_601, message: 'no such method' } };
  return known(stage, isJsonObject(params) ? params : {});
}

const replies = new Map<string, (stage: Stage, params: JsonObject) => Reply>([
  [
    'initialize',
    ({ alias: name }) => ({
      result: {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name, version: '1' },
      },
    }),
  ],
  ['ping', () => ({ result: {} })],
  ['tools/list', ({ tools }) => ({ result: { tools: tools.map(describe) } })],
  ['tools/call', callTool],
]);

function describe({ serverTool, description, inputSchema }: ToolDefinition): object {
  return { name: serverTool, description, inputSchema };
}

function callTool(stage: Stage, { name, arguments: values }: JsonObject): Reply {
  const tool = typeof name === 'string' ? name : '';
  const call = stage.answer(tool, isJsonObject(values) ? values : {});
  if (call === undefined) return { error: { code: -32_602, message: 'this call is not due' } };
  return { result: { content: [{ type: 'text', text: call.result }], isError: call.isError } };
}

function sendReply(response: ServerResponse, { id }: JsonObject, answer: Reply | undefined): void {
  if (answer === undefined) response.writeHead(404).end();
  else if (id === undefined) response.writeHead(202).end();
  else sendJson(response, { jsonrpc: '2.0', id, ...answer });
}

function sendJson(response: ServerResponse, body: Readonly<Record<string, Json | object>>): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
