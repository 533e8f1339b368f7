/** A gateway and a façade of ours in this process, in front of any tool servers, with nothing around the relay. */
import { createJsonSchemas } from '@modelhost/json-schema';
import type { Clock } from '@modelhost/kernel';
import { loadKeys } from '@modelhost/keys-file';
import {
  createFacadeCore,
  createFacadeServer,
  createMcpGateway,
  toolServerDefaults,
  type ToolServerTransport,
} from '@modelhost/mcp-gateway';
import { randomBytes, randomUUID } from 'node:crypto';

/** What is in front of what. */
export interface OpenFacadeOptions {
  readonly servers: readonly { readonly alias: string; readonly transport: ToolServerTransport }[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly naming: 'prefix' | 'none';
}

/** A façade that listens on a free port of loopback. */
export interface OpenFacade extends AsyncDisposable {
  readonly url: string;
}

const version = '0.1.0';
const principal = { tenant: 'acme', subject: 'ann', roles: [] };

/** Starts everything; resolves when each tool server is ready. Everybody is let in, as one principal. */
export async function openFacade(options: OpenFacadeOptions): Promise<OpenFacade> {
  const { servers, environment, naming } = options;
  const clock = createClock();
  const gateway = createMcpGateway({
    servers: servers.map(({ alias, transport }) => ({
      ...toolServerDefaults,
      alias,
      transport,
      effects: {},
      allowPrivateNetwork: true,
    })),
    schemas: createJsonSchemas(),
    clientVersion: version,
    environment,
    pinStore: { load: async () => ({ servers: {} }), save: async () => undefined },
  });
  await gateway.connected();
  for (const { alias, state, error } of gateway.servers()) {
    if (state === 'ready') continue;
    await gateway.close();
    throw new Error(`${alias}: ${state}: ${error}`);
  }
  const core = createFacadeCore({
    relay: gateway.relay,
    view: {
      name: 'default',
      naming,
      servers: undefined,
      tools: undefined,
      search: 'never',
      taskAfterMs: undefined,
    },
    keys: await loadKeys({ path: '', environmentValue: randomBytes(32).toString('base64') }),
    version,
    clock,
    randomId: randomUUID,
  });
  const server = createFacadeServer({
    cores: { default: core },
    authenticate: async () => principal,
    allowedHosts: [],
    allowedOrigins: [],
    resource: { publicUrl: undefined, authorizationServers: [], scopes: [] },
    clock,
    randomId: randomUUID,
    onFault: (cause) => console.error(cause),
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    url: `http://localhost:${port}/mcp`,
    async [Symbol.asyncDispose]() {
      core.close();
      await server.close();
      await gateway.close();
    },
  };
}

/** The clock of this machine. */
function createClock(): Clock {
  return {
    now: () => Date.now(),
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
