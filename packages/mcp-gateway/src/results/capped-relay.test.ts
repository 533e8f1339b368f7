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
function startRelay(
  outcome: ExchangeOutcome,
  bytesMax = 100,
  hideLong = async (text: string): Promise<string> => text,
): StartedRelay {
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
  const relay = createCappedRelay(upstream, { results, bytesMaxOf: () => bytesMax, hideLong });
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
    part: { index: 2, before: '', isCut: true },
  });
  const text = `${'a'.repeat(60)}\n${'é'.repeat(30)}\n${'b'.repeat(50)}`;
  const contents = [{ uri: 'result://1', mimeType: 'text/plain', text }];
  const part = { index: 0, before: '', isCut: false };
  assert.deepEqual(await read('result://1'), { kind: 'complete', result: { contents }, part });
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
  const part = { index: 0, before: '', isCut: true };
  assert.deepEqual(await call(), { kind: 'complete', result: { content }, part });
});

test('what is cut and kept is hidden first, and a piece of it says what stands before it', async () => {
  const text = `${'x'.repeat(97)}secret${'y'.repeat(300_000)}`;
  const { call, read } = startRelay(
    complete({ content: [{ type: 'text', text }] }),
    100,
    async (given) => given.replaceAll('secret', '<>'),
  );
  const outcome = await call();
  const content = outcome.kind === 'complete' ? outcome.result['content'] : [];
  assert.deepEqual(Array.isArray(content) && content[0], {
    type: 'text',
    text: `${'x'.repeat(97)}<>y`,
  });
  const hidden = `${'x'.repeat(97)}<>${'y'.repeat(300_000)}`;
  for (const offset of [0, 1, 98, 20_479, 20_480, 20_481, 250_000, 300_098, 300_099]) {
    const piece = await read(`result://1?offset=${offset}`); // oxlint-disable-line no-await-in-loop
    const before = hidden.slice(Math.max(0, offset - 20_480), offset);
    assert.ok(piece.kind === 'complete');
    assert.deepEqual(piece.part, { index: 0, before, isCut: offset + 262_144 < hidden.length });
  }
});

test('a text that is within the bound once it is hidden is not cut', async () => {
  const content = [{ type: 'text', text: 'secret'.repeat(20) }, image];
  const { call } = startRelay(complete({ content }), 100, async () => '-');
  assert.deepEqual(await call(), complete({ content: [{ type: 'text', text: '-' }, image] }));
});
