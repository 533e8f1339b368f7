import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { listenHttp, reach } from './fixtures/http-listener.ts';

/** What a client reads when it posts a call and the server answers with `events`. */
async function readEvents(t: TestContext, events: string, method = 'tools/call'): Promise<string> {
  const listener = await listenHttp(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events);
  });
  const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method });
  const answer = await reach(t, listener.origin)(listener.origin, { method: 'POST', body });
  return await answer.text();
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

test('an answer in JSON is what the SDK reads of a response', async (t) => {
  const listener = await listenHttp(t, (_request, response) => {
    const headers = { 'content-type': 'application/json', 'mcp-session-id': 's1' };
    response.writeHead(200, headers).end('{"a":1}');
  });
  const answer = await reach(t, listener.origin)(new URL(listener.origin));
  assert.equal(answer.ok, true);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('Mcp-Session-Id'), 's1');
  assert.deepEqual(await answer.json(), { a: 1 });
  assert.equal(await answer.text(), '{"a":1}');
});

test('a refusal is a whole response, without a body where HTTP has none', async (t) => {
  const listener = await listenHttp(t, ({ url }, response) => {
    if (url === '/empty') response.writeHead(204).end();
    else response.writeHead(400, { 'content-type': 'text/event-stream' }).end('{"error":"x"}');
  });
  const outbound = reach(t, listener.origin);
  const refusal = await outbound(`${listener.origin}/`);
  assert.ok(refusal instanceof Response);
  assert.deepEqual(await refusal.clone().json(), { error: 'x' });
  assert.equal((await outbound(`${listener.origin}/empty`)).status, 204);
});

test('a form goes out as its text, and what is neither text nor form does not', async (t) => {
  const bodies: string[] = [];
  const listener = await listenHttp(t, async (request, response) => {
    for await (const chunk of request) bodies.push(String(chunk));
    response.end();
  });
  const outbound = reach(t, listener.origin);
  await outbound(listener.origin, { method: 'POST', body: new URLSearchParams({ a: 'b c' }) });
  assert.deepEqual(bodies, ['a=b+c']);
  const body = new Uint8Array([1]);
  await assert.rejects(outbound(listener.origin, { method: 'POST', body }), TypeError);
});

test('a body beyond the bound is not read', async (t) => {
  const listener = await listenHttp(
    t,
    (_request, response) => void response.end('x'.repeat(1_001)),
  );
  await assert.rejects(reach(t, listener.origin)(listener.origin), (error) => {
    return error instanceof HostError && error.code === 'mcp_result_too_large';
  });
});
