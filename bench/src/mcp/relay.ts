/** The floor of a gateway: a hand-written relay, which parses each message once each way and checks nothing. */
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { Pool } from 'undici';
import { answer } from './raw-server.ts';

/** Makes a relay to the origin; whoever asks for it listens and closes. */
export function createRelay(origin: string): Server {
  const pool = new Pool(origin, { connections: 64, pipelining: 1 });
  return createServer({ keepAlive: true, keepAliveTimeout: 60_000 }, (request, response) => {
    void text(request).then(async (body) => {
      const message = JSON.parse(body) as { readonly method: string; readonly params: object };
      const { statusCode, body: answered } = await pool.request({
        path: '/mcp',
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': message.method,
          'mcp-name': 'name' in message.params ? String(message.params.name) : '',
        },
        body: JSON.stringify(message),
      });
      answer(response, statusCode, (await answered.json()) as object);
    });
  });
}
