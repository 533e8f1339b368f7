/** The floor: a tool server of 2026-07-28 in a few lines of node:http, without any SDK or check. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { echoResult, echoTools } from './echo.ts';

/** What the bench sends it; it trusts the bench. */
interface RawRequest {
  readonly id: number | string;
  readonly method: string;
  readonly params: { readonly arguments: { readonly message: string } };
}

const cached = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } as const;

/** Makes a server with so many tools; whoever asks for it listens and closes. */
export function createRawServer(toolCount: number): Server {
  const tools = echoTools(toolCount);

  function resultOf({ method, params }: RawRequest): object | undefined {
    switch (method) {
      case 'tools/call':
        return { resultType: 'complete', ...echoResult(params.arguments.message) };
      case 'tools/list':
        return { ...cached, tools };
      case 'server/discover':
        return { ...cached, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } };
    }
    return undefined;
  }

  return createServer({ keepAlive: true, keepAliveTimeout: 60_000 }, (request, response) => {
    void text(request).then((body) => {
      const message = JSON.parse(body) as RawRequest;
      const { id } = message;
      const result = resultOf(message);
      if (result !== undefined) return answer(response, 200, { jsonrpc: '2.0', id, result });
      const error = { code: -32601, message: 'Method not found' };
      return answer(response, 404, { jsonrpc: '2.0', id: id ?? null, error });
    });
  });
}

/** Answers with JSON. */
export function answer(response: ServerResponse, status: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
  });
  response.end(bytes);
}
