import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { rpc } from './fixtures/http-client.ts';
import { start } from './fixtures/session-world.ts';
import type { World } from './fixtures/session-world.ts';

interface Waiting extends World {
  readonly socket: Socket;
  /** The request that waits, as its bytes. */
  readonly request: string;
}

/** A listener with a request of 2026-07-28 in flight on a connection of its own. */
async function startWaiting(t: TestContext): Promise<Waiting> {
  const world = await start(t);
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const params = { name: 'wait', arguments: { name: 'a' }, _meta: meta };
  const body = JSON.stringify(rpc(1, 'tools/call', params));
  const fields = [
    'host: localhost',
    'authorization: Bearer acme.ann',
    'accept: application/json',
    'content-type: application/json',
    `content-length: ${body.length}`,
    'mcp-protocol-version: 2026-07-28',
    'mcp-method: tools/call',
    'mcp-name: wait',
  ];
  const request = `POST /mcp HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n${body}`;
  const socket = connect(Number(new URL(world.facade.url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(request);
  await world.started('a');
  return { ...world, socket, request };
}

test('while it closes, a request in flight is answered and no further one is served', async (t) => {
  const { facade, finish, socket, request } = await startWaiting(t);
  const closed = facade.server.close(60_000);
  socket.write(request);
  finish('a');
  const [, answered = '', refused = ''] = (await text(socket)).split('HTTP/1.1 ');
  assert.match(answered, /^200 [^]*finished a/);
  assert.match(refused, /^503 [^]*retry-after: 1\r\n[^]*the host is shutting down/);
  await closed;
});

test('what is in flight at the end of the grace is cut, and its upstream told', async (t) => {
  const { facade, aborted, socket } = await startWaiting(t);
  const closed = facade.server.close(60_000);
  facade.clock.advance(59_999);
  assert.deepEqual(aborted, []);
  facade.clock.advance(1);
  await closed;
  assert.equal(await text(socket), '');
  assert.deepEqual(aborted, ['a']);
});
