import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { inspect } from 'node:util';

import { HostError } from '@modelhost/kernel';
import type { ModelEvent } from '@modelhost/kernel';

import {
  createAnthropicProvider,
  createGeminiProvider,
  createOpenAiChatProvider,
  createOpenAiResponsesProvider,
} from './index.ts';

import { requestOf } from './sample-requests.ts';
import {
  answerWhole,
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
  sseEvent,
} from './testing.ts';

suite('a provider over HTTP', () => {
  test('merges the text of one read into one event', async () => {
    await using server = await serve((response) => {
      beginEvents(response);
      response.end(`${chatText('a')}${chatText('b')}${chatText('c')}${chatAnswer}`);
    });
    await using opened = open(server.baseUrl);
    const events: ModelEvent[] = [];
    for await (const event of opened.provider.stream(requestOf(), never)) events.push(event);
    assert.deepEqual(
      events.map((event) => (event.type === 'text-delta' ? event.text : event.type)),
      ['abchello', 'done'],
    );
  });

  test('sends key, idempotency key and accepted encodings, and headers of the operator win', async () => {
    await using server = await serve(answerWhole);
    const provider = createOpenAiChatProvider({
      name: 'mock',
      baseUrl: `${server.baseUrl}/`,
      apiKey: 'canary',
      headers: { 'X-Team': 'red', Accept: 'text/event-stream' },
    });
    await collect(provider.stream(requestOf({ idempotencyKey: 'läuft' }), never));
    await collect(provider.stream(requestOf({ idempotencyKey: 'run-1/turn-1' }), never));
    await provider.close();
    const [hashed, plain] = server.requests;
    assert.match(String(hashed?.headers['idempotency-key']), /^[0-9a-f]{64}$/u);
    assert.equal(plain?.headers['idempotency-key'], 'run-1/turn-1');
    assert.equal(plain?.path, '/v1/chat/completions');
    assert.equal(plain?.headers.authorization, 'Bearer canary');
    assert.equal(plain?.headers['accept-encoding'], 'gzip, deflate, br');
    assert.equal(plain?.headers['x-team'], 'red');
    assert.equal(plain?.headers.accept, 'text/event-stream');
  });

  test('asks nothing before the first step of the iteration, and once', async () => {
    await using server = await serve(answerWhole);
    await using opened = open(server.baseUrl);
    const stream = opened.provider.stream(requestOf(), never);
    const leaving = opened.provider.stream(requestOf(), never)[Symbol.asyncIterator]();
    assert.deepEqual(await leaving.return?.(), { value: undefined, done: true });
    assert.deepEqual(await leaving.next(), { value: undefined, done: true });
    assert.equal((await collect(stream)).text, 'hello');
    await assert.rejects(collect(stream), /without done/u);
    assert.equal(server.requests.length, 1);
  });

  test('uses a connection again after a complete answer', async () => {
    await using server = await serve(answerWhole);
    await using opened = open(server.baseUrl);
    for (let call = 0; call < 5; call += 1) {
      for await (const event of opened.provider.stream(requestOf(), never)) {
        // Leaving at the last event is as good as reading on.
        if (event.type === 'done') break;
      }
    }
    assert.equal(server.requests.length, 5);
    assert.ok(server.connectionCount() <= 2);
  });

  test('gives the complete answer at once when the server holds the connection, then closes it', async () => {
    await using server = await serve((response) => {
      beginEvents(response);
      response.write(chatAnswer);
    });
    await using opened = open(server.baseUrl, { lingerTimeoutMs: 20 });
    assert.equal((await collect(opened.provider.stream(requestOf(), never))).text, 'hello');
    await closed(server);
  });

  test('closes the connection when a server sends on and on after a complete answer', async () => {
    await using server = await serve((response) => {
      beginEvents(response);
      response.write(chatAnswer);
      response.write(': more\n'.repeat(100_000));
    });
    await using opened = open(server.baseUrl, { lingerTimeoutMs: 60_000 });
    assert.equal((await collect(opened.provider.stream(requestOf(), never))).text, 'hello');
    await closed(server);
  });

  test('refuses a call more than there are connections, and takes it when one has ended', async () => {
    await using server = await serve(fallSilent);
    await using opened = open(server.baseUrl, { connectionsMax: 1 });
    const running = await first(opened.provider.stream(requestOf(), never));
    await assert.rejects(
      collect(opened.provider.stream(requestOf(), never)),
      expecting('overloaded'),
    );
    await running.return?.();
    await (await first(opened.provider.stream(requestOf(), never))).return?.();
    assert.equal(server.requests.length, 2);
  });

  test('fails what is under way when it is closed, and every call after that', async () => {
    await using server = await serve(fallSilent);
    const { provider } = open(server.baseUrl);
    const running = await first(provider.stream(requestOf(), never));
    const pending = assert.rejects(running.next(), expecting('provider_unavailable'));
    await provider.close();
    await pending;
    await assert.rejects(
      collect(provider.stream(requestOf(), never)),
      expecting('provider_unavailable'),
    );
  });
});

suite('the four APIs', () => {
  const rows = [
    {
      create: createOpenAiChatProvider,
      path: '/v1/chat/completions',
      check: '/v1/models',
      header: ['authorization', 'Bearer Zq7Rk2Vw9Xy4'],
      body: chatAnswer,
    },
    {
      create: createOpenAiResponsesProvider,
      path: '/v1/responses',
      check: '/v1/models',
      header: ['authorization', 'Bearer Zq7Rk2Vw9Xy4'],
      body: sseEvent({ type: 'response.completed', response: { status: 'completed' } }),
    },
    {
      create: createAnthropicProvider,
      path: '/v1/messages',
      check: '/v1/models?limit=1',
      header: ['x-api-key', 'Zq7Rk2Vw9Xy4'],
      body: `${sseEvent({ type: 'message_start', message: { stop_reason: 'end_turn' } })}${sseEvent({ type: 'message_stop' })}`,
    },
    {
      create: createGeminiProvider,
      path: '/v1/models/model-1:streamGenerateContent?alt=sse',
      check: '/v1/models?pageSize=1',
      header: ['x-goog-api-key', 'Zq7Rk2Vw9Xy4'],
      body: sseEvent({ candidates: [{ finishReason: 'STOP' }] }),
    },
  ] as const;

  for (const { create, path, check, header, body } of rows) {
    const [name, value] = header;

    test(`${create.name} calls and checks its paths with its key, or without one`, async () => {
      await using server = await serve((response) => {
        beginEvents(response);
        response.end(body);
      });
      for (const apiKey of [value.replace('Bearer ', ''), undefined]) {
        const provider = create({ name: 'mock', baseUrl: server.baseUrl, apiKey });
        const { stats } = await collect(provider.stream(requestOf(), never));
        assert.deepEqual([stats.finishReason, stats.model], ['stop', 'model-1']);
        await provider.check(never);
        await provider.close();
      }
      const seen = server.requests.map((request) => [request.path, request.headers[name]]);
      assert.deepEqual(seen, [
        [path, value],
        [check, value],
        [path, undefined],
        [check, undefined],
      ]);
    });

    test(`${create.name} never shows its key, whatever the provider echoes`, async () => {
      const echoes: readonly ((key: string) => readonly [number, string])[] = [
        (key) => [
          401,
          JSON.stringify({ error: { message: `Bad key: ${key}`, type: key, code: key } }),
        ],
        (key) => [400, `key ${key.slice(0, 9)} and ${key.slice(-9)}`],
        (key) => [500, `<title>${key}</title>`],
        (key) => [200, sseEvent({ type: 'error', error: { message: `late ${key}`, type: key } })],
        (key) => [200, `data: ${key}\n\n`],
        (key) => [200, `data: {"${key}\n\n`],
      ];
      for (const echo of echoes) {
        await using server = await serve((response, request) => {
          const key = String(request.headers[name]).replace('Bearer ', '');
          const [status, text] = echo(key);
          response.writeHead(status, {
            'content-type': status === 200 ? 'text/event-stream' : 'x/y',
          });
          response.end(text);
        });
        const provider = create({ name: 'mock', baseUrl: server.baseUrl, apiKey: 'Zq7Rk2Vw9Xy4' });
        await assert.rejects(collect(provider.stream(requestOf(), never)), (error) => {
          const shown = inspect(error, { depth: 10 });
          assert.ok(error instanceof HostError && error.code.startsWith('provider_'), shown);
          for (let at = 0; at + 8 <= 12; at += 1) {
            assert.ok(!shown.includes('Zq7Rk2Vw9Xy4'.slice(at, at + 8)), shown);
          }
          return true;
        });
        await provider.close();
      }
    });
  }
});

suite('the check of a provider', () => {
  test('passes where the list of models is there, or there is no such list', async () => {
    for (const status of [200, 404, 405]) {
      await using server = await serve((response) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end('{"data":[]}');
      });
      await using opened = open(server.baseUrl);
      await opened.provider.check(never);
      assert.deepEqual(
        server.requests.map(({ method, path }) => `${method} ${path}`),
        ['GET /v1/models'],
      );
    }
  });

  test('says what the provider says', async () => {
    for (const [status, code] of [
      [401, 'provider_unauthorized'],
      [503, 'provider_unavailable'],
      [400, 'provider_rejected'],
    ] as const) {
      await using server = await serve((response) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end('{"error":{"message":"so it is"}}');
      });
      await using opened = open(server.baseUrl);
      await assert.rejects(opened.provider.check(never), (error) => {
        assert.match(String(error), /so it is/u);
        return expecting(code, { status: String(status) })(error);
      });
    }
  });

  test('ends with its signal and closes the connection', async () => {
    const reason = new Error('the caller left');
    const controller = new AbortController();
    await using server = await serve(() => controller.abort(reason));
    await using opened = open(server.baseUrl);
    await assert.rejects(opened.provider.check(controller), reason);
    await closed(server);
  });
});
