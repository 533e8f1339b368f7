import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { HostError } from '@modelhost/kernel';
import { createManualClock } from '../fixtures/manual-clock.ts';
import { listenHttp, reach, readBody } from './fixtures/http-listener.ts';
import type { OutboundAnswer, OutboundRequest } from './outbound-fetch.ts';

const get: OutboundRequest = {
  method: 'GET',
  headers: { accept: 'application/json' },
  signal: new AbortController().signal,
};
const post: OutboundRequest = { ...get, method: 'POST', body: '{"a":"ü"}' };

interface Failure {
  readonly code: HostError['code'];
  readonly sent?: 'true';
  readonly message: RegExp;
}

function isFailure({ code, sent, message }: Failure): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof HostError, String(error));
    assert.equal(error.code, code);
    assert.equal(error.facts['sent'], sent);
    assert.match(error.message, message);
    return true;
  };
}

function eventsOf(answer: OutboundAnswer): OutboundAnswer['body'] & { readonly type: 'events' } {
  assert.ok(answer.body.type === 'events');
  return answer.body;
}

function startEvents(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).write(text);
}

test('a request goes out as it is, and the answer comes back with its headers', async (t) => {
  const bodies: string[] = [];
  const listener = await listenHttp(t, async (request, response) => {
    bodies.push(await readBody(request));
    response.writeHead(404, { 'X-Twice': ['a', 'b'], 'content-type': 'text/event-stream' });
    response.end('nö');
  });
  const answer = await reach(t, `${listener.origin}/mcp`).request(post);
  assert.deepEqual(bodies, [post.body]);
  const [request] = listener.requests;
  assert.deepEqual([request?.method, request?.url], ['POST', '/mcp']);
  assert.equal(request?.headers.accept, 'application/json');
  assert.equal(answer.status, 404);
  assert.equal(answer.headers['x-twice'], 'a, b');
  assert.deepEqual(answer.body, { type: 'text', text: 'nö' });
});

test('connections are used again', async (t) => {
  const listener = await listenHttp(t, ({ method }, response) => {
    if (method === 'GET') startEvents(response, 'data: 1\n\n');
    response.end('data: 2\n\n');
  });
  const outbound = reach(t, listener.origin, { connectionsMax: 1 });
  await outbound.request(post);
  await outbound.request(post);
  const stream = eventsOf(await outbound.request(get));
  for await (const { data } of stream.events) {
    assert.equal(data, '1');
    break;
  }
  // Leaving a stream that its server ends costs no connection.
  await outbound.request(post);
  assert.equal(listener.connections(), 1);
});

test('compressed answers are read, bodies and streams alike', async (t) => {
  const encodings = [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const;
  for (const [encoding, compress] of encodings) {
    const listener = await listenHttp(t, ({ method, headers }, response) => {
      assert.equal(headers['accept-encoding'], 'gzip, br, deflate');
      const type = method === 'GET' ? 'text/event-stream' : 'application/json';
      response.writeHead(200, { 'content-encoding': encoding, 'content-type': type });
      response.end(compress(method === 'GET' ? 'data: a\n\ndata: b\n\n' : '{"a":1}'));
    });
    const outbound = reach(t, listener.origin);
    assert.deepEqual((await outbound.request(post)).body, { type: 'text', text: '{"a":1}' });
    const stream = eventsOf(await outbound.request(get));
    const events = await Array.fromAsync(stream.events, ({ data }) => data);
    assert.deepEqual(events, ['a', 'b']);
  }
});

test('what cannot be decompressed is a fault of the server', async (t) => {
  const listener = await listenHttp(t, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end('not at all');
  });
  const expected = { code: 'mcp_protocol_error', sent: 'true', message: /^notes: / } as const;
  await assert.rejects(reach(t, listener.origin).request(post), isFailure(expected));
});

test('a server that is not there was sent nothing', async (t) => {
  const expected = { code: 'mcp_connection_failed', message: /cannot be reached/ } as const;
  await assert.rejects(reach(t, 'http://127.0.0.1:1/').request(post), isFailure(expected));
  const name = reach(t, 'http://nowhere.invalid/', {
    resolve: () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' })),
  });
  await assert.rejects(name.request(post), isFailure(expected));
});

test('a connection that breaks before or within the answer may have done its work', async (t) => {
  const listener = await listenHttp(t, ({ url }, response) => {
    if (url === '/half') response.writeHead(200, { 'content-length': '10' }).write('half');
    if (url === '/events') startEvents(response, 'data: 1\n\n');
    setImmediate(() => response.destroy());
  });
  const expected = { code: 'mcp_connection_failed', sent: 'true', message: /broke/ } as const;
  for (const path of ['/none', '/half']) {
    const outbound = reach(t, listener.origin + path);
    await assert.rejects(outbound.request(post), isFailure(expected));
  }
  const stream = eventsOf(await reach(t, `${listener.origin}/events`).request(post));
  const events: string[] = [];
  const reading = (async () => {
    for await (const { data } of stream.events) events.push(data);
  })();
  await assert.rejects(reading, isFailure(expected));
  assert.deepEqual(events, ['1']);
});

test('an answer that is not HTTP is a fault of the server', async (t) => {
  const listener = await listenHttp(t, ({ socket }) => void socket.end('hello\r\n\r\n'));
  const expected = { code: 'mcp_protocol_error', sent: 'true', message: /not of HTTP/ } as const;
  await assert.rejects(reach(t, listener.origin).request(post), isFailure(expected));
});

/** Answers with the beginning of a stream, or not at all, and tells when it is asked and when the connection is gone. */
async function listenForever(t: TestContext): Promise<{
  readonly origin: string;
  readonly asked: Promise<void>;
  readonly gone: Promise<void>;
}> {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const listener = await listenHttp(t, ({ url, socket }, response) => {
    socket.once('close', () => gone.resolve());
    asked.resolve();
    if (url === '/events') startEvents(response, 'data: 1\n\n');
  });
  return { origin: listener.origin, asked: asked.promise, gone: gone.promise };
}

test('a request ends by itself when its time is over, and so does a stream', async (t) => {
  for (const path of ['/silent', '/events']) {
    const { origin, asked, gone } = await listenForever(t);
    const clock = createManualClock();
    const outbound = reach(t, origin + path, { requestTimeoutMs: 500, clock });
    const expected = { code: 'mcp_timeout', sent: 'true', message: /no answer in 500 ms/ } as const;
    const reading = (async () => {
      await Array.fromAsync(eventsOf(await outbound.request(post)).events);
    })();
    await asked;
    clock.advance(500);
    await assert.rejects(reading, isFailure(expected));
    await gone;
    assert.equal(clock.timers(), 0);
  }
});

test('a stream that was left and does not end is cut after a moment', async (t) => {
  const { origin, gone } = await listenForever(t);
  const clock = createManualClock();
  const outbound = reach(t, `${origin}/events`, { clock });
  for await (const { data } of eventsOf(await outbound.request(post)).events) {
    assert.equal(data, '1');
    break;
  }
  assert.deepEqual(clock.delays(), [1_000]);
  clock.advance(1_000);
  await gone;
  assert.equal(clock.timers(), 0);
});

test('a time of 0 is none', async (t) => {
  const { origin } = await listenForever(t);
  const clock = createManualClock();
  const outbound = reach(t, `${origin}/events`, { requestTimeoutMs: 5, clock });
  const aborting = new AbortController();
  const request = { ...post, timeoutMs: 0, signal: aborting.signal };
  const stream = eventsOf(await outbound.request(request));
  const bounded = eventsOf(await outbound.request(post));
  clock.advance(5);
  await assert.rejects(Array.fromAsync(bounded.events), HostError);
  const events = stream.events[Symbol.asyncIterator]();
  assert.equal((await events.next()).value?.data, '1');
  aborting.abort();
});

test('aborting ends the connection with the reason of the signal, whenever it comes', async (t) => {
  const reason = new Error('the user left');
  const aborted = AbortSignal.abort(reason);
  await assert.rejects(
    reach(t, 'http://127.0.0.1:1/').request({ ...post, signal: aborted }),
    reason,
  );

  for (const path of ['/silent', '/events']) {
    const { origin, asked, gone } = await listenForever(t);
    const aborting = new AbortController();
    const outbound = reach(t, origin + path);
    const reading = (async () => {
      const answer = await outbound.request({ ...post, signal: aborting.signal });
      for await (const { data } of eventsOf(answer).events) {
        assert.equal(data, '1');
        aborting.abort(reason);
      }
    })();
    if (path === '/silent') void asked.then(() => aborting.abort(reason));
    await assert.rejects(reading, reason);
    await gone;
  }
});

test('aborting while it waits for a connection sends nothing', async (t) => {
  const listener = await listenHttp(t, (_request, response) =>
    startEvents(response, 'data: 1\n\n'),
  );
  const outbound = reach(t, listener.origin, { connectionsMax: 1 });
  await outbound.request(post);
  const aborting = new AbortController();
  const waiting = outbound.request({ ...post, signal: aborting.signal });
  aborting.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  assert.equal(listener.requests.length, 1);
});

test('closing ends what is under way, and listeners of signals are gone after each request', async (t) => {
  const { origin, asked, gone } = await listenForever(t);
  const outbound = reach(t, `${origin}/silent`);
  const open = outbound.request(post);
  void asked.then(() => outbound.close());
  await assert.rejects(open, HostError);
  await gone;

  const listener = await listenHttp(t, (_request, response) => void response.end());
  const { signal } = new AbortController();
  let listeners = 0;
  const counted = new Proxy(signal, {
    get: (target, name) => {
      if (name === 'addEventListener') listeners += 1;
      if (name === 'removeEventListener') listeners -= 1;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  await reach(t, listener.origin).request({ ...post, signal: counted });
  assert.equal(listeners, 0);
});

test('a reader that is slow holds the server back', async (t) => {
  const event = `data: ${'x'.repeat(9_000)}\n\n`;
  const eventsMax = 5_000;
  let written = 0;
  const listener = await listenHttp(t, async (_request, response) => {
    startEvents(response, '');
    while (written < eventsMax) {
      written += 1;
      if (!response.write(event)) await once(response, 'drain');
    }
    response.end();
  });
  const outbound = reach(t, listener.origin, { messageBytesMax: 10_000 });
  const { events } = eventsOf(await outbound.request(post));
  let read = 0;
  let aheadMax = 0;
  for await (const { data } of events) {
    read += data.length / 9_000;
    aheadMax = Math.max(aheadMax, written - read);
    if (read % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(read, eventsMax);
  assert.ok(aheadMax < eventsMax / 2, `${aheadMax} events were ahead`);
});
