import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { requestOf } from './sample-requests.ts';
import {
  beginEvents,
  chatAnswer,
  chatText,
  closed,
  collect,
  expecting,
  fallSilent,
  first,
  never,
  open,
  serve,
  serveTcp,
  sseEvent,
} from './testing.ts';

suite('cancelling a call', () => {
  const reason = new Error('the caller left');

  test('asks nothing when the signal has aborted before', async () => {
    await using server = await serve((response) => {
      response.end();
    });
    await using opened = open(server.baseUrl);
    const signal = AbortSignal.abort(reason);
    await assert.rejects(collect(opened.provider.stream(requestOf(), { signal })), reason);
    await assert.rejects(opened.provider.check({ signal }), reason);
    assert.equal(server.requests.length, 0);
  });

  test('closes the connection while no answer has begun, and rethrows the reason', async () => {
    const controller = new AbortController();
    await using server = await serve(() => controller.abort(reason));
    await using opened = open(server.baseUrl);
    const { signal } = controller;
    await assert.rejects(collect(opened.provider.stream(requestOf(), { signal })), reason);
    await closed(server);
  });

  test('closes the connection in the middle of an answer, and drops what was not taken', async () => {
    await using server = await serve((response) => {
      beginEvents(response);
      response.write(`${chatText('a')}${sseEvent({ choices: [{ delta: { reasoning: 'b' } }] })}`);
    });
    await using opened = open(server.baseUrl);
    const controller = new AbortController();
    const running = await first(opened.provider.stream(requestOf(), controller));
    controller.abort(reason);
    await assert.rejects(running.next(), reason);
    assert.deepEqual(await running.next(), { value: undefined, done: true });
    await closed(server);
  });

  test('wakes a consumer that is waiting', async () => {
    await using server = await serve(fallSilent);
    await using opened = open(server.baseUrl);
    const controller = new AbortController();
    const running = await first(opened.provider.stream(requestOf(), controller));
    const waiting = assert.rejects(running.next(), reason);
    controller.abort(reason);
    await waiting;
    await closed(server);
  });

  test('leaving the loop closes the connection', async () => {
    await using server = await serve(fallSilent);
    await using opened = open(server.baseUrl);
    for await (const event of opened.provider.stream(requestOf(), never)) {
      assert.equal(event.type, 'text-delta');
      break;
    }
    await closed(server);
  });

  test('closes the connection of a compressed answer', async () => {
    const controller = new AbortController();
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      response.write(gzipSync(chatAnswer).subarray(0, 20), () => controller.abort(reason));
    });
    await using opened = open(server.baseUrl);
    await assert.rejects(collect(opened.provider.stream(requestOf(), controller)), reason);
    await closed(server);
  });
});

suite('a slow consumer', () => {
  for (const encoding of ['identity', 'gzip']) {
    test(`stops the reading from the provider (${encoding})`, async () => {
      // Distinct events, so that they cannot be merged; more than all socket buffers together.
      const line = `${chatText('x'.repeat(2_000))}${sseEvent({ choices: [{ delta: { reasoning: 'r' } }] })}`;
      const text = line.repeat(500);
      const member = encoding === 'gzip' ? gzipSync(text, { level: 0 }) : Buffer.from(text);
      const blocks = 16;
      const sent = { isWhole: false };
      await using server = await serve((response, request) => {
        if (request.method === 'GET') return void response.end('{}');
        response.writeHead(200, {
          'content-type': 'text/event-stream',
          ...(encoding === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
        });
        for (let block = 0; block < blocks; block += 1) response.write(member);
        const tail = Buffer.from(chatAnswer);
        response.write(encoding === 'gzip' ? gzipSync(tail) : tail, () => {
          sent.isWhole = true;
        });
        response.end();
      });
      await using opened = open(server.baseUrl, { answerBytesMax: 1e9 });
      const stream = opened.provider.stream(requestOf(), never);
      const running = await first(stream);
      // Enough round trips to send everything, were nobody holding it back.
      for (let trip = 0; trip < 1_200 && !sent.isWhole; trip += 1) {
        await opened.provider.check(never);
      }
      assert.equal(sent.isWhole, false);
      const rest = await collect({ [Symbol.asyncIterator]: () => running });
      assert.equal(sent.isWhole, true);
      assert.equal(rest.text.replaceAll(/[^h]/gu, '').length, 1);
      assert.ok(rest.reasoning.length > 7_000);
    });
  }
});

suite('timeouts', { concurrency: true }, () => {
  test('a connection that is not made', async () => {
    // TCP connects, but nobody answers the TLS handshake.
    await using server = await serveTcp(() => {});
    await using opened = open(`https://127.0.0.1:${server.port}/v1`, { connectTimeoutMs: 50 });
    await assert.rejects(
      collect(opened.provider.stream(requestOf(), never)),
      expecting('provider_timeout', { phase: 'connect', timeout_ms: '50' }),
    );
  });

  test('an answer that does not begin', async () => {
    await using server = await serve(() => {});
    await using opened = open(server.baseUrl, { headersTimeoutMs: 50 });
    await assert.rejects(
      collect(opened.provider.stream(requestOf(), never)),
      expecting('provider_timeout', { phase: 'headers', timeout_ms: '50' }),
    );
  });

  test('a check that is not answered', async () => {
    await using server = await serve(() => {});
    await using opened = open(server.baseUrl, { headersTimeoutMs: 50 });
    await assert.rejects(
      opened.provider.check(never),
      expecting('provider_timeout', { phase: 'headers', timeout_ms: '50' }),
    );
  });

  test('an answer that falls silent; what came before is kept', async () => {
    await using server = await serve(fallSilent);
    await using opened = open(server.baseUrl, { idleTimeoutMs: 50 });
    const running = await first(opened.provider.stream(requestOf(), never));
    await assert.rejects(
      running.next(),
      expecting('provider_timeout', { phase: 'idle', timeout_ms: '50' }),
    );
    await closed(server);
  });

  test('an answer that takes too long as a whole', async () => {
    await using server = await serve(fallSilent);
    await using opened = open(server.baseUrl, { totalTimeoutMs: 1_000 });
    const running = await first(opened.provider.stream(requestOf(), never));
    await assert.rejects(
      running.next(),
      expecting('provider_timeout', { phase: 'total', timeout_ms: '1000' }),
    );
    await closed(server);
  });
});
