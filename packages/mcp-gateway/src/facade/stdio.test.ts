import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import { metaFor } from './fixtures/modern-client.ts';
import {
  ann,
  createOutside,
  fullUri,
  listedTool,
  openCore,
  textResult,
} from './fixtures/outside.ts';
import type { Answer, OpenCore, Outside } from './fixtures/outside.ts';
import { serveFacadeOverStdio } from './stdio.ts';
import type { StdioOptions, StdioService } from './stdio.ts';

interface Opened {
  readonly outside: Outside;
  readonly open: OpenCore;
  readonly input: PassThrough;
  readonly service: StdioService;
  /** Writes a message of the client. */
  readonly tell: (message: JsonObject) => void;
  /** A request of 2026-07-28. */
  readonly ask: (id: string | number, method: string, params?: JsonObject) => void;
  /** The next message of the façade. */
  readonly next: () => Promise<JsonObject>;
  /** What was written and not read yet. */
  readonly unread: () => readonly JsonObject[];
}

function start(
  t: TestContext,
  options: { readonly answer?: Answer; readonly stdio?: Partial<StdioOptions> } = {},
): Opened {
  const outside = createOutside(options.answer);
  outside.offer({ up: { tools: [listedTool('echo')], resources: [{ uri: 'test://a' }] } });
  const open = openCore(outside, { naming: 'none' });
  const input = new PassThrough();
  const output = new PassThrough();
  const service = serveFacadeOverStdio(open.core, {
    input,
    output,
    principal: ann,
    ...options.stdio,
  });
  t.after(async () => {
    service.close();
    await service.closed;
    open.core.close();
  });
  const messages: JsonObject[] = [];
  output.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().trimEnd().split('\n')) {
      // The façade writes nothing but JSON objects.
      messages.push(JSON.parse(line) as JsonObject);
    }
  });
  const tell = (message: JsonObject): void => {
    input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  };
  return {
    outside,
    open,
    input,
    service,
    tell,
    ask: (id, method, params = {}) => tell({ id, method, params: { _meta: metaFor(), ...params } }),
    next: async () => {
      while (messages.length === 0) await turn();
      return messages.shift() ?? {};
    },
    unread: () => messages,
  };
}

/** Calls that end when a test says so. */
function held(): { readonly answer: Answer; readonly end: () => void } {
  const waiting: (() => void)[] = [];
  return {
    answer: () => new Promise((resolve) => waiting.push(() => resolve(textResult('done')))),
    end: () => waiting.shift()?.(),
  };
}

test('requests that say what they are, are answered each by itself', async (t) => {
  const { ask, next } = start(t);
  ask('one', 'tools/call', { name: 'echo', arguments: { a: 1 } });
  const answered = await next();
  assert.equal(answered['id'], 'one');
  assert.equal(isJsonObject(answered['result']) && answered['result']['resultType'], 'complete');
  ask(2, 'server/discover');
  assert.equal((await next())['id'], 2);
  ask(3, 'ping');
  assert.match(JSON.stringify(await next()), /-32601/);
  const old = metaFor({ 'io.modelcontextprotocol/protocolVersion': '2099-01-01' });
  ask(4, 'tools/list', { _meta: old });
  assert.match(JSON.stringify(await next()), /-32022/);
});

test('a client with a handshake is served too, and asked live for what a call needs', async (t) => {
  const { tell, next } = start(t, {
    answer: ({ exchange }) =>
      exchange.params['inputResponses'] === undefined
        ? {
            kind: 'input-required',
            inputRequests: {
              a: {
                method: 'elicitation/create',
                params: { message: 'who?', requestedSchema: { type: 'object', properties: {} } },
              },
            },
            requestState: 'of up',
          }
        : textResult(JSON.stringify(exchange.params['inputResponses'])),
  });
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'x', version: '1' },
  };
  tell({ id: 1, method: 'initialize', params });
  const { result } = await next();
  assert.equal(isJsonObject(result) && result['protocolVersion'], '2025-11-25');
  tell({ method: 'notifications/initialized' });
  tell({ id: 2, method: 'tools/call', params: { name: 'echo', arguments: {} } });
  const asked = await next();
  assert.equal(asked['method'], 'elicitation/create');
  tell({ id: asked['id'] ?? '', result: { action: 'accept', content: { name: 'Ann' } } });
  const answered = await next();
  assert.equal(answered['id'], 2);
  assert.match(JSON.stringify(answered), /Ann/);
});

test('lines that are no messages are answered as such, and do not end the service', async (t) => {
  const { input, next, ask } = start(t);
  input.write(
    'not json\n\r\n[]\n{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}\n{"jsonrpc":"1.0"}\n',
  );
  for (const code of [-32_700, -32_600, -32_600, -32_600]) {
    const { error } = await next();
    assert.equal(isJsonObject(error) && error['code'], code);
  }
  ask(1, 'tools/list');
  assert.equal((await next())['id'], 1);
});

test('a message may come in pieces, and several in one', async (t) => {
  const { input, next } = start(t);
  const text = (id: number): string =>
    JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: { _meta: metaFor() } });
  const bytes = Buffer.from(`${text(1)}\r\n${text(2)}\n${text(3)}`);
  for (const byte of bytes) input.write(Buffer.of(byte));
  assert.deepEqual([(await next())['id'], (await next())['id']], [1, 2]);
  input.write('\n');
  assert.equal((await next())['id'], 3);
});

test('a line that is too long ends the service', async (t) => {
  const { input, service, unread } = start(t, { stdio: { lineBytesMax: 1_000 } });
  input.write('x'.repeat(600));
  input.write('x'.repeat(600));
  await service.closed;
  assert.deepEqual(unread(), []);
});

test('a request in flight is cancelled by its id, and is not answered', async (t) => {
  const { answer, end } = held();
  const { ask, tell, outside, next, unread } = start(t, { answer });
  ask(1, 'tools/call', { name: 'echo' });
  ask('1', 'tools/call', { name: 'echo' });
  await turn();
  tell({ method: 'notifications/cancelled', params: { requestId: 1 } });
  await turn();
  assert.deepEqual(
    outside.arrivals.map(({ context }) => context.signal.aborted),
    [true, false],
  );
  end();
  end();
  assert.equal((await next())['id'], '1');
  assert.deepEqual(unread(), []);
});

test('an id in use, and a request beyond the bound, are refused', async (t) => {
  const { answer, end } = held();
  const { ask, next } = start(t, { answer, stdio: { requestsInFlightMax: 1 } });
  ask(1, 'tools/call', { name: 'echo' });
  ask(1, 'tools/call', { name: 'echo' });
  assert.match(JSON.stringify(await next()), /-32600/);
  ask(2, 'tools/call', { name: 'echo' });
  assert.match(JSON.stringify(await next()), /overloaded/);
  end();
  assert.equal((await next())['id'], 1);
  ask(2, 'tools/list');
  assert.equal((await next())['id'], 2);
});

test('progress stops with the answer', async (t) => {
  let late = (): void => {};
  const { ask, next, unread } = start(t, {
    answer: ({ context }) => {
      late = () => context.onProgress?.({ progress: 2 });
      context.onProgress?.({ progress: 1 });
      return textResult('done');
    },
  });
  ask(1, 'tools/call', { name: 'echo', _meta: metaFor({ progressToken: 7 }) });
  assert.deepEqual((await next())['params'], { progress: 1, progressToken: 7 });
  assert.equal((await next())['id'], 1);
  late();
  await turn();
  assert.deepEqual(unread(), []);
});

test('a subscription is one of many on the line, and ends when it is cancelled', async (t) => {
  const { ask, tell, next, outside, unread } = start(t);
  ask(1, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
  ask(2, 'subscriptions/listen', { notifications: { resourceSubscriptions: ['test://a'] } });
  for (const id of [1, 2]) {
    const { method, params } = await next();
    assert.equal(method, 'notifications/subscriptions/acknowledged');
    assert.match(JSON.stringify(params), new RegExp(`subscriptionId":${id}`));
  }
  tell({ method: 'notifications/cancelled', params: { requestId: 2 } });
  await turn();
  assert.equal(outside.watched.size, 0);
  outside.change({ type: 'resource-updated', alias: 'up', uri: 'test://a' });
  outside.change({ type: 'tools', alias: 'up' });
  assert.equal((await next())['method'], 'notifications/tools/list_changed');
  assert.deepEqual(unread(), []);
});

test('a subscription that is refused is an error, and its id is free again', async (t) => {
  const { ask, next, outside } = start(t);
  ask(1, 'subscriptions/listen', { notifications: { resourceSubscriptions: [fullUri] } });
  const { id, error } = await next();
  assert.equal(id, 1);
  assert.match(JSON.stringify(error), /its watches are taken/);
  ask(1, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
  assert.equal((await next())['method'], 'notifications/subscriptions/acknowledged');
  assert.equal(outside.watched.size, 0);
});

test('the end of the input lets requests finish, ends subscriptions, and then the service', async (t) => {
  const { answer, end } = held();
  const { ask, input, next, service, open } = start(t, { answer });
  ask(1, 'tools/call', { name: 'echo' });
  ask(2, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
  await next();
  input.end();
  assert.equal((await next())['id'], 2);
  end();
  assert.equal((await next())['id'], 1);
  await service.closed;
  assert.equal(open.clock.timers(), 0);
});

test('requests that do not finish after the end of the input are cancelled in time', async (t) => {
  const { answer } = held();
  const { ask, input, service, open, outside } = start(t, {
    answer,
    stdio: { drainTimeoutMs: 2_000 },
  });
  ask(1, 'tools/call', { name: 'echo' });
  input.end();
  while (open.clock.timers() === 0) await turn();
  open.clock.advance(2_000);
  await service.closed;
  assert.equal(outside.arrivals[0]?.context.signal.aborted, true);
});

test('a client that does not read is not read from', async (t) => {
  const outside = createOutside();
  outside.offer({ up: { tools: [listedTool('echo')] } });
  const open = openCore(outside);
  const input = new PassThrough();
  const output = new PassThrough({ highWaterMark: 1 });
  const service = serveFacadeOverStdio(open.core, { input, output, principal: ann });
  t.after(() => output.destroy());
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: metaFor() } };
  input.write(`${JSON.stringify(message)}\n`);
  while (!output.writableNeedDrain) await turn();
  assert.equal(input.isPaused(), true);
  output.resume();
  while (input.isPaused()) await turn();
  service.close();
  await service.closed;
});
