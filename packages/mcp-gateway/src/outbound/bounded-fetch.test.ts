import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { createBoundedFetch } from './bounded-fetch.ts';
import { serveHttp } from './fixtures/http-server.ts';

/** What a client reads when it posts a call and the server answers with `events`. */
async function readEvents(t: TestContext, events: string, method = 'tools/call'): Promise<string> {
  const headers = { 'content-type': 'text/event-stream' };
  const fixture = await serveHttp(async () => new Response(events, { headers }));
  t.after(() => fixture.close());
  const boundedFetch = createBoundedFetch({
    server: 'a',
    messageBytesMax: 1_000,
    requestTimeoutMs: 60_000,
  });
  const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method });
  return await (await boundedFetch(fixture.url, { method: 'POST', body })).text();
}

const ending =
  '\n\nevent: message\ndata: {"jsonrpc":"2.0","id":7,"error":{"code":-32902,"message":"no answer on this stream"}}\n\n';

test('a stream that ends is followed by word of its end, unless it only listens', async (t) => {
  assert.equal(await readEvents(t, 'data: {}\n\n'), `data: {}\n\n${ending}`);
  assert.equal(await readEvents(t, 'data: {}\n\n', 'subscriptions/listen'), 'data: {}\n\n');
});

test('a stream whose events have ids is left to the client to take up again', async (t) => {
  assert.equal(await readEvents(t, 'data: {}\r\nid: 5\r\n\r\n'), 'data: {}\r\nid: 5\r\n\r\n');
});

test('many events may together be longer than the bound, one may not', async (t) => {
  const event = `data: ${'x'.repeat(900)}\n\n`;
  assert.equal(await readEvents(t, event.repeat(20)), event.repeat(20) + ending);
  const tooLong = await readEvents(t, `${event}data: ${'x'.repeat(1_100)}`);
  assert.match(tooLong, /"code":-32901/);
  assert.doesNotMatch(tooLong, /"code":-32902/);
});
