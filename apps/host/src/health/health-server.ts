import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HostError } from '@modelhost/kernel';
import type { Readiness } from './readiness.ts';

/** The listener for probes. */
export interface HealthServer {
  readonly address: AddressInfo;
  close(): Promise<void>;
}

/**
 * Serves GET /health (the process lives; depends on nothing) and GET /ready (200 while the host should get traffic, 503
 * while it should not), both JSON. Throws `config_invalid` when the address cannot be had.
 */
export async function listenForHealth(options: {
  readonly host: string;
  readonly port: number;
  readonly version: string;
  readonly readiness: Readiness;
}): Promise<HealthServer> {
  const { host, port, version, readiness } = options;
  const server = createServer(
    { requestTimeout: 10_000, maxHeaderSize: 8_192 },
    (request, response) => {
      void answer(request, response, version, readiness);
    },
  );
  server.maxConnections = 256;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `${host}:${port}: the host cannot listen here (${cause.message})`;
      reject(new HostError('config_invalid', message, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return {
    // A listener on TCP has an address of this kind.
    address: server.address() as AddressInfo,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  version: string,
  readiness: Readiness,
): Promise<void> {
  const isHead = request.method === 'HEAD';
  if (!isHead && request.method !== 'GET')
    return send(response, 405, { error: 'only GET and HEAD' }, isHead);
  const path = (request.url ?? '').split('?')[0];
  if (path === '/health') return send(response, 200, { status: 'up', version }, isHead);
  if (path !== '/ready')
    return send(response, 404, { error: 'there is /health and /ready' }, isHead);
  const { status, isDraining, components, timeMs } = await readiness.report();
  const body = {
    status,
    draining: isDraining,
    timestamp: new Date(timeMs).toISOString(),
    components: Object.fromEntries(
      components.map(({ name, ...component }) => [
        name,
        {
          status: component.status,
          latencyMs: component.latencyMs,
          error: component.error ?? null,
        },
      ]),
    ),
  };
  send(response, status === 'down' ? 503 : 200, body, isHead);
}

function send(response: ServerResponse, statusCode: number, body: unknown, isHead: boolean): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(statusCode, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(statusCode === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  response.end(isHead ? undefined : text);
}
