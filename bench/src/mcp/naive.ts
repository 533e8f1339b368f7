/** Servers as the SDK's own documentation would have them: what we have to be cheaper than. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { toNodeHandler, type NodeIncomingMessageLike } from '@modelcontextprotocol/node';
import { createMcpHandler, Server as McpSdkServer } from '@modelcontextprotocol/server';
import { createServer, type Server } from 'node:http';
import { echoResult, echoTools } from './echo.ts';

const identity = { name: 'bench', version: '1.0.0' };

/** A gateway of the SDK's client behind the SDK's server, connected once. */
export async function createNaiveGateway(url: string): Promise<Server> {
  const client = new Client(identity, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  const { tools } = await client.listTools();
  return listenerOf(() => {
    const server = new McpSdkServer(identity, { capabilities: { tools: {} } });
    server.setRequestHandler('tools/list', () => ({ tools }));
    server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) =>
      client.callTool(params, { signal: mcpReq.signal }),
    );
    return server;
  });
}

/** A tool server of the SDK, for both eras, for the gateways that speak the older one only. */
export function createSdkServer(): Server {
  return listenerOf(createEchoServer);
}

/** The tool server itself, for any transport. */
export function createEchoServer(): McpSdkServer {
  const server = new McpSdkServer(identity, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', () => ({ tools: echoTools(1) }));
  server.setRequestHandler('tools/call', ({ params }) => echoResult(params.arguments?.['message']));
  return server;
}

function listenerOf(make: () => McpSdkServer): Server {
  const answer = toNodeHandler(createMcpHandler(make));
  // The SDK's type of a request, written without `undefined`, does not take Node's own.
  return createServer((request, response) => {
    void answer(request as NodeIncomingMessageLike, response);
  });
}
