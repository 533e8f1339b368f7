import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { HostError } from '@modelhost/kernel';

import { requestOf } from './sample-requests.ts';
import {
  beginEvents,
  chatText,
  closed,
  collect,
  expecting,
  never,
  open,
  serve,
  serveTcp,
  sseEvent,
} from './testing.ts';

suite('broken connections and answers', () => {
  test('nobody listens', async () => {
    const server = await serve(() => {});
    await server[Symbol.asyncDispose]();
    await using opened = open(server.baseUrl);
    await assert.rejects(
      collect(opened.provider.stream(requestOf(), never)),
      expecting('provider_unavailable', { reason: 'ECONNREFUSED' }),
    );
    await assert.rejects(opened.provider.check(never), expecting('provider_unavailable'));
  });

  test('a server without TLS behind https', async () => {
    await using server = await serve(() => {});
    await using opened = open(server.baseUrl.replace('http:', 'https:'));
    await assert.rejects(
      collect(opened.provider.stream(requestOf(), never)),
      expecting('provider_unavailable'),
    );
  });

  test('a reset before the answer', async () => {
    await using server = await serve((response) => {
      response.socket?.resetAndDestroy();
    });
    await using opened = open(server.baseUrl);
    await assert.rejects(
      collect(opened.provider.stream(requestOf(), never)),
      expecting('provider_unavailable'),
    );
  });

  test('a reset in the middle of an answer', async () => {
    await using server = await serve((response) => {
      beginEvents(response);
      response.write(chatText('a'), () => response.socket?.resetAndDestroy());
    });
    await using opened = open(server.baseUrl);
    await assert.rejects(
      collect(opened.provider.stream(requestOf(), never)),
      expecting('provider_unavailable'),
    );
  });

  test('an answer that ends in order but is not complete', async () => {
    for (const body of [chatText('a'), `${chatText('a')}data: {"choi`, '', ': ping\n\n']) {
      await using server = await serve((response) => {
        beginEvents(response);
        response.end(body);
      });
      await using opened = open(server.baseUrl);
      await assert.rejects(collect(opened.provider.stream(requestOf(), never)), (error) => {
        assert.match(String(error), /ended before it was complete/u);
        return expecting('provider_invalid_response')(error);
      });
    }
  });

  const garbage: Readonly<Record<string, { type: string; body: string | Buffer }>> = {
    'an event that is no JSON': { type: 'text/event-stream', body: 'data: {oops\n\n' },
    'an event that is no object': { type: 'text/event-stream', body: 'data: [1]\n\n' },
    'objects of another protocol': {
      type: 'text/event-stream',
      body: `${sseEvent({ jsonrpc: '2.0' })}data: [DONE]\n\n`,
    },
    'a web page': { type: 'text/html', body: '<html><title>Sign in</title>' },
    'bytes at random': { type: 'text/event-stream', body: Buffer.from([0, 255, 10, 1, 200, 10]) },
    'a document that is no JSON': { type: 'application/json', body: '{"choices":' },
    'a document that is no object': { type: 'application/json', body: '[]' },
    'an empty document': { type: 'application/json', body: '' },
    'an empty object': { type: 'application/json', body: '{}' },
    'a call without a name': {
      type: 'application/json',
      body: '{"choices":[{"message":{"tool_calls":[{"function":{"arguments":"{}"}}]}}]}',
    },
  };
  for (const [title, { type, body }] of Object.entries(garbage)) {
    test(`garbage: ${title}`, async () => {
      await using server = await serve((response) => {
        response.writeHead(200, { 'content-type': type });
        response.end(body);
      });
      await using opened = open(server.baseUrl);
      await assert.rejects(
        collect(opened.provider.stream(requestOf(), never)),
        expecting('provider_invalid_response'),
      );
    });
  }

  test('something that is not HTTP', async () => {
    await using server = await serveTcp((socket) => {
      socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
    });
    await using opened = open(`http://127.0.0.1:${server.port}/v1`);
    await assert.rejects(
      collect(opened.provider.stream(requestOf(), never)),
      expecting('provider_invalid_response'),
    );
  });

  test('a redirect is not followed', async () => {
    await using server = await serve((response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:1/steal' });
      response.end();
    });
    await using opened = open(server.baseUrl);
    await assert.rejects(
      collect(opened.provider.stream(requestOf(), never)),
      expecting('provider_invalid_response', { status: '307' }),
    );
    assert.equal(server.requests.length, 1);
  });
});

suite('bounds on an answer', () => {
  const mebibyte = 1024 * 1024;

  test('one event that is too large', async () => {
    await using server = await serve((response) => {
      beginEvents(response);
      response.write(`data: ${'x'.repeat(mebibyte)}`);
    });
    await using opened = open(server.baseUrl, { eventCharactersMax: 100_000 });
    await assert.rejects(
      collect(opened.provider.stream(requestOf(), never)),
      expecting('provider_invalid_response'),
    );
    await closed(server);
  });

  test('a stream that does not end', async () => {
    await using server = await serve((response) => {
      beginEvents(response);
      response.write(chatText('x'.repeat(1_000)).repeat(1_000));
    });
    await using opened = open(server.baseUrl, { answerBytesMax: 100_000 });
    await assert.rejects(
      collect(opened.provider.stream(requestOf(), never)),
      expecting('provider_invalid_response'),
    );
    await closed(server);
  });

  test('a compressed bomb, as a stream, a document and an error', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * mebibyte));
    for (const [status, type, code] of [
      [200, 'text/event-stream', 'provider_invalid_response'],
      [200, 'application/json', 'provider_invalid_response'],
      [500, 'application/json', 'provider_unavailable'],
    ] as const) {
      await using server = await serve((response) => {
        response.writeHead(status, { 'content-type': type, 'content-encoding': 'gzip' });
        response.end(bomb);
      });
      await using opened = open(server.baseUrl, { answerBytesMax: mebibyte });
      await assert.rejects(collect(opened.provider.stream(requestOf(), never)), expecting(code));
    }
  });

  test('compressed garbage, a truncated body and an unknown encoding', async () => {
    const whole = gzipSync(chatText('a'));
    for (const [encoding, body] of [
      ['gzip', Buffer.from('not compressed')],
      ['br', Buffer.from('not compressed')],
      ['deflate', Buffer.from('not compressed')],
      ['gzip', whole.subarray(0, whole.length - 4)],
      ['zstd', whole],
      ['gzip, gzip', whole],
    ] as const) {
      await using server = await serve((response) => {
        response.writeHead(200, {
          'content-type': 'text/event-stream',
          'content-encoding': encoding,
        });
        response.end(body);
      });
      await using opened = open(server.baseUrl);
      await assert.rejects(
        collect(opened.provider.stream(requestOf(), never)),
        expecting('provider_invalid_response'),
      );
    }
  });

  test('a bound that is no whole number above 0 is refused', () => {
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(
        () => open('http://127.0.0.1/v1', { idleTimeoutMs: value }),
        (error) => error instanceof HostError && error.code === 'config_invalid',
      );
    }
  });
});
