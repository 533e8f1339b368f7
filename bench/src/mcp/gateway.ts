/** Our own gateway and façade, as a host composes them, without policy and audit around the relay. */
import { createJsonSchemas } from '@modelhost/json-schema';
import type { Clock } from '@modelhost/kernel';
import { loadKeys } from '@modelhost/keys-file';
import {
  createFacadeCore,
  createFacadeServer,
  createMcpGateway,
  toolServerDefaults,
  type FacadeCore,
  type McpGateway,
  type ToolServerTransport,
} from '@modelhost/mcp-gateway';
import { randomBytes, randomUUID } from 'node:crypto';

const version = '0.1.0';
const principal = { tenant: 'bench', subject: 'load', roles: [] };

/** A gateway whose servers are ready. Every tool is declared to change nothing. */
export async function openGateway(
  servers: readonly { readonly alias: string; readonly transport: ToolServerTransport }[],
): Promise<McpGateway> {
  const gateway = createMcpGateway({
    servers: servers.map(({ alias, transport }) => ({
      ...toolServerDefaults,
      alias,
      transport,
      effects: { '*': 'none' },
      allowPrivateNetwork: true,
    })),
    schemas: createJsonSchemas(),
    clientVersion: version,
    environment: process.env,
    pinStore: { load: async () => ({ servers: {} }), save: async () => undefined },
  });
  await gateway.connected();
  for (const { alias, state, error } of gateway.servers()) {
    if (state !== 'ready') throw new Error(`${alias}: ${state}: ${error}`);
  }
  return gateway;
}

/** The façade: the echo at `/mcp`, the server with many tools at `/mcp/big`. Gives the port; it ends with the process. */
export async function startGateway(echoUrl: string, bigUrl: string): Promise<number> {
  const gateway = await openGateway([
    { alias: 'echo', transport: { type: 'http', url: echoUrl, headers: {} } },
    { alias: 'big', transport: { type: 'http', url: bigUrl, headers: {} } },
  ]);
  const clock = createClock();
  const environmentValue = randomBytes(32).toString('base64');
  const keys = await loadKeys({ path: '', environmentValue });
  const coreOf = (name: string, alias: string): FacadeCore =>
    createFacadeCore({
      relay: gateway.relay,
      view: {
        name,
        naming: 'none',
        servers: [alias],
        tools: undefined,
        search: 'never',
        taskAfterMs: undefined,
      },
      keys,
      version,
      clock,
      randomId: randomUUID,
    });
  const server = createFacadeServer({
    cores: { default: coreOf('default', 'echo'), big: coreOf('big', 'big') },
    authenticate: async () => principal,
    allowedHosts: [],
    allowedOrigins: [],
    resource: { publicUrl: undefined, authorizationServers: [], scopes: [] },
    clock,
    randomId: randomUUID,
    onFault: (cause) => console.error(cause),
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return port;
}

function createClock(): Clock {
  return {
    now: () => Date.now(),
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
