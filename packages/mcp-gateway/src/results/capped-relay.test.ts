import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject, Principal } from '@modelhost/kernel';
import type { ExchangeOutcome, McpRelay } from '../relay.ts';
import { createCappedRelay } from './capped-relay.ts';
import { createResultStore } from './result-store.ts';

const ada: Principal = { tenant: 'acme', subject: 'ada', roles: [] };
const bob: Principal = { tenant: 'acme', subject: 'bob', roles: [] };

interface StartedRelay {
  readonly call: (principal?: Principal) => Promise<ExchangeOutcome>;
  readonly read: (uri: string, principal?: Principal) => Promise<ExchangeOutcome>;
  readonly asked: readonly string[];
}

/** Over an upstream that has one answer to everything. */
function startRelay(outcome: ExchangeOutcome, bytesMax = 100): StartedRelay {
  const asked: string[] = [];
  const upstream: McpRelay = {
    catalogue: () => assert.fail('nobody asks'),
    exchange: async (_, { method }) => {
      asked.push(method);
      return outcome;
    },
    abandon: () => {},
    onChange: () => () => {},
    watchResource: async () => () => {},
  };
  const results = createResultStore({ now: () => 0, randomId: () => '1' });
  const relay = createCappedRelay(upstream, { results, bytesMaxOf: () => bytesMax });
  const exchange = (
    method: 'tools/call' | 'resources/read',
    params: JsonObject,
    principal: Principal,
  ): Promise<ExchangeOutcome> => {
    const { signal } = new AbortController();
    const context = { principal, signal, timeoutMs: 1, capabilities: {}, meta: {} };
    return relay.exchange({ alias: 'a' }, { method, params }, context);
  };
  return {
    call: (principal = ada) => exchange('tools/call', {}, principal),
    read: (uri, principal = ada) => exchange('resources/read', { uri }, principal),
    asked,
  };
}

function complete(result: JsonObject): ExchangeOutcome {
  return { kind: 'complete', result };
}

const image = { type: 'image', mimeType: 'image/png', data: 'A'.repeat(1_000) };

test('an outcome within the bound is the same object, pictures and all', async () => {
  for (const outcome of [
    complete({ content: [{ type: 'text', text: 'x'.repeat(100) }, image] }),
    complete({ structuredContent: 'x'.repeat(1_000) }),
    { kind: 'input-required', inputRequests: {}, requestState: 'x'.repeat(1_000) },
    { kind: 'error', error: { code: 1, message: 'x'.repeat(1_000) } },
  ] satisfies readonly ExchangeOutcome[]) {
    assert.equal(await startRelay(outcome).call(), outcome); // oxlint-disable-line no-await-in-loop
  }
});

test('text beyond the bound is cut, and linked to where all of it is', async () => {
  const { call, read, asked } = startRelay(
    complete({
      content: [
        { type: 'text', text: 'a'.repeat(60), annotations: { priority: 1 } },
        image,
        { type: 'resource', resource: { uri: 'x://y', text: 'é'.repeat(30) } },
        { type: 'text', text: 'b'.repeat(50) },
      ],
      structuredContent: { whole: true },
      isError: true,
    }),
  );
  const note =
    '[cut after 100 of 170 bytes of text; the resource that is linked here has all of it, in pieces]';
  assert.deepEqual(await call(), {
    kind: 'complete',
    result: {
      content: [
        { type: 'text', text: 'a'.repeat(60), annotations: { priority: 1 } },
        image,
        { type: 'resource', resource: { uri: 'x://y', text: 'é'.repeat(20) } },
        { type: 'text', text: note },
        { type: 'resource_link', uri: 'result://1', name: 'whole result', mimeType: 'text/plain' },
      ],
      structuredContent: { whole: true },
      isError: true,
    },
  });
  const text = `${'a'.repeat(60)}\n${'é'.repeat(30)}\n${'b'.repeat(50)}`;
  const contents = [{ uri: 'result://1', mimeType: 'text/plain', text }];
  assert.deepEqual(await read('result://1'), complete({ contents }));
  assert.deepEqual(asked, ['tools/call']);
});

test('a long result is read in pieces', async () => {
  const whole = 'é'.repeat(300_000);
  const { call, read } = startRelay(complete({ content: [{ type: 'text', text: whole }] }));
  await call();
  let text = '';
  let uri = 'result://1';
  for (let pieces = 0; uri !== ''; pieces += 1) {
    assert.ok(pieces < 3);
    const outcome = await read(uri); // oxlint-disable-line no-await-in-loop
    // What was put is there, so this is a result.
    const result = (outcome as Extract<ExchangeOutcome, { kind: 'complete' }>).result;
    // Read by `readResult` above.
    const [piece] = result['contents'] as readonly JsonObject[];
    const { text: more, _meta: meta } = piece ?? {};
    text += typeof more === 'string' ? more : '';
    // As above.
    const next = (meta as JsonObject | undefined)?.['modelhost/next-offset'];
    uri = typeof next === 'number' ? `result://1?offset=${next}` : '';
  }
  assert.equal(text, whole);
});

test('abuse A10: the result of somebody else is not there, like one that never was', async () => {
  const { call, read, asked } = startRelay(
    complete({ content: [{ type: 'text', text: 'x'.repeat(200) }] }),
  );
  await call(ada);
  const absent = (uri: string): ExchangeOutcome => ({
    kind: 'error',
    error: { code: -32_002, message: 'resource not found', data: { uri } },
  });
  assert.deepEqual(await read('result://1', bob), absent('result://1'));
  for (const uri of ['result://2', 'result://', 'result://1?offset=x', 'result://1/../1']) {
    assert.deepEqual(await read(uri), absent(uri)); // oxlint-disable-line no-await-in-loop
  }
  // No server is asked for what it could only make up.
  assert.deepEqual(asked, ['tools/call']);
  await read('file:///x');
  assert.deepEqual(asked, ['tools/call', 'resources/read']);
});

test('a result that is too long to be kept is cut and says so', async () => {
  const { call } = startRelay(
    complete({ content: [{ type: 'text', text: 'x'.repeat(17_000_000) }] }),
    5,
  );
  const content = [
    { type: 'text', text: 'xxxxx' },
    { type: 'text', text: '[cut after 5 of 17000000 bytes of text]' },
  ];
  assert.deepEqual(await call(), complete({ content }));
});
