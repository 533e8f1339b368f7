/**
 * The fixture as a process: `main.ts modern-http|legacy-http|modern-stdio|legacy-stdio [--requests FILE] [--port N]`.
 * Over HTTP it prints `port N` when it listens, and serves until it is ended; over stdio it ends with its input.
 */
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { announceChanges } from './changes.ts';
import { createEverythingHttp } from './http.ts';
import { createEverythingServer } from './server.ts';
import { createWorld } from './world.ts';

const { values, positionals } = parseArgs({
  options: { requests: { type: 'string' }, port: { type: 'string', default: '0' } },
  allowPositionals: true,
});
const world = createWorld(values.requests);

const kind = positionals[0] ?? '';
const [era, transport] = kind.split('-');
if ((era !== 'modern' && era !== 'legacy') || (transport !== 'http' && transport !== 'stdio')) {
  throw new Error(`${kind}: not one of modern-http, legacy-http, modern-stdio and legacy-stdio`);
}
if (transport === 'http') {
  listen(createEverythingHttp(world, era));
} else if (era === 'modern') {
  serveStdio(createStdioServer, { legacy: 'reject' });
} else {
  await createStdioServer().connect(new StdioServerTransport());
}

function createStdioServer(): ReturnType<typeof createEverythingServer> {
  const server = createEverythingServer(world, era === 'modern' ? 'modern' : 'legacy');
  announceChanges(world, server);
  return server;
}

function listen(server: ReturnType<typeof createEverythingHttp>): void {
  server.listen(Number(values.port), '127.0.0.1', () => {
    // The address of a listener on TCP is an object.
    console.log(`port ${(server.address() as AddressInfo).port}`);
  });
}
