import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '@modelhost/kernel';
import { metaFor } from './fixtures/modern-client.ts';
import { codeOf, openModern, resultOf } from './fixtures/open-modern.ts';
import { textIn } from './fixtures/outside.ts';

const serverInfo = { name: 'model-host', version: '1.2.3' };
const call = { name: 'echo', arguments: { a: 1 } };

test('a call is answered with one JSON text that says what it is and who we are', async (t) => {
  const { client } = await openModern(t);
  const reply = await client.post('tools/call', call);
  assert.equal(reply.status, 200);
  assert.equal(reply.type, 'application/json');
  assert.deepEqual(reply.messages, [
    {
      jsonrpc: '2.0',
      id: 1,
      result: {
        resultType: 'complete',
        content: [{ type: 'text', text: '{"a":1}' }],
        _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo },
      },
    },
  ]);
});

test('lists say how long they may be kept, and discovery which versions there are', async (t) => {
  const { client } = await openModern(t);
  const list = resultOf(await client.post('tools/list'));
  assert.deepEqual([list['ttlMs'], list['cacheScope']], [10_000, 'private']);
  const discovered = resultOf(await client.post('server/discover'));
  assert.deepEqual(discovered['supportedVersions'], ['2026-07-28']);
  assert.deepEqual(discovered['_meta'], { 'io.modelcontextprotocol/serverInfo': serverInfo });
});

test('a request that does not say what every request must is refused by name', async (t) => {
  const { client, outside } = await openModern(t);
  const { 'io.modelcontextprotocol/clientCapabilities': _, ...noCapabilities } = metaFor();
  const { 'io.modelcontextprotocol/protocolVersion': __, ...noVersion } = metaFor();
  const metas: readonly JsonObject[] = [
    { _meta: null },
    { _meta: noCapabilities },
    { _meta: noVersion },
    { _meta: metaFor({ 'io.modelcontextprotocol/logLevel': 'loud' }) },
    { _meta: metaFor({ progressToken: 1.5 }) },
  ];
  for (const meta of metas) {
    const headers = { 'mcp-protocol-version': '2026-07-28' };
    const reply = await client.post('tools/call', { ...call, ...meta }, headers);
    assert.deepEqual([reply.status, codeOf(reply)], [400, -32_602]);
  }
  assert.deepEqual(outside.arrivals, []);
});

test('a version that we do not speak is answered with those that we do', async (t) => {
  const { client } = await openModern(t);
  const meta = metaFor({ 'io.modelcontextprotocol/protocolVersion': '2099-01-01' });
  const reply = await client.post('tools/list', { _meta: meta });
  assert.equal(reply.status, 400);
  assert.deepEqual(reply.messages[0]?.['error'], {
    code: -32_022,
    message: 'Unsupported protocol version',
    data: { supported: ['2026-07-28'], requested: '2099-01-01' },
  });
});

test('abuse A6: a request whose headers say something else than its body is refused and not sent on', async (t) => {
  const { client, outside } = await openModern(t);
  const refused: readonly Readonly<Record<string, string | undefined>>[] = [
    { 'mcp-protocol-version': undefined },
    { 'mcp-protocol-version': '2025-11-25' },
    { 'mcp-method': undefined },
    { 'mcp-method': 'tools/list' },
    { 'mcp-method': 'TOOLS/CALL' },
    { 'mcp-name': undefined },
    { 'mcp-name': 'place' },
    { 'mcp-name': 'Echo' },
    { 'mcp-name': 'echo, echo' },
    { 'mcp-name': '=?base64?ZWNo?=' },
    { 'mcp-name': '=?base64?ZWNobw?=' },
    { 'mcp-name': '=?base64?ZWN!obw=?=' },
    { 'mcp-name': '=?base64?/w==?=' },
  ];
  for (const headers of refused) {
    const reply = await client.post('tools/call', call, headers);
    assert.deepEqual([reply.status, codeOf(reply)], [400, -32_020], JSON.stringify(headers));
  }
  assert.deepEqual(outside.arrivals, []);
  for (const name of ['echo', '  echo  ', '=?base64?ZWNobw==?=']) {
    assert.equal((await client.post('tools/call', call, { 'mcp-name': name })).status, 200);
  }
});

test('abuse A6: an argument that a tool wants in a header is the same in both, or the call is refused', async (t) => {
  const { client, outside } = await openModern(t);
  const place = { name: 'place', arguments: { region: 'Zürich', size: 7 } };
  const region64 = '=?base64?WsO8cmljaA==?=';
  const good = { 'mcp-param-region': region64, 'mcp-param-size': '7' };
  assert.equal((await client.post('tools/call', place, good)).status, 200);
  const same = { ...good, 'mcp-param-size': '7.0' };
  assert.equal((await client.post('tools/call', place, same)).status, 200);
  for (const wrong of [
    { ...good, 'mcp-param-region': undefined },
    { ...good, 'mcp-param-region': 'Bern' },
    { ...good, 'mcp-param-region': '=?base64?WsO8cmljaA=?=' },
    { ...good, 'mcp-param-size': '8' },
    { ...good, 'mcp-param-size': '0x7' },
  ]) {
    const reply = await client.post('tools/call', place, wrong);
    assert.deepEqual([reply.status, codeOf(reply)], [400, -32_020]);
  }
  const absent = { name: 'place', arguments: { region: null } };
  assert.equal((await client.post('tools/call', absent)).status, 200);
  assert.equal(outside.arrivals.length, 3);
});

test('any name fits its own header in Base64, and no other name does', async (t) => {
  const { client, outside } = await openModern(t);
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(name, name, async (one, other) => {
      const header = `=?base64?${Buffer.from(other).toString('base64')}?=`;
      const reply = await client.post('prompts/get', { name: one }, { 'mcp-name': header });
      // It is unknown, but its headers are right.
      assert.equal(codeOf(reply), one === other ? -32_602 : -32_020);
    }),
    { numRuns: 50, examples: [['ä', 'ä']] },
  );
  assert.deepEqual(outside.arrivals, []);
});

test('a method that does not exist is not found, under the id of the request', async (t) => {
  const { client } = await openModern(t);
  for (const method of ['ping', 'initialize', 'resources/subscribe', 'tasks/list', 'x']) {
    const reply = await client.post(method);
    assert.deepEqual([reply.status, codeOf(reply)], [404, -32_601]);
    assert.equal(typeof reply.messages[0]?.['id'], 'number');
  }
});

test('what is no request is accepted or refused, and nothing comes of it', async (t) => {
  const { client, outside } = await openModern(t);
  const told = await client.send({ jsonrpc: '2.0', method: 'notifications/cancelled' });
  assert.deepEqual([told.status, told.messages], [202, []]);
  for (const message of [
    { jsonrpc: '1.0', id: 1, method: 'tools/list' },
    { jsonrpc: '2.0', id: null, method: 'tools/list' },
    { jsonrpc: '2.0', id: 1.5, method: 'tools/list' },
    { jsonrpc: '2.0', id: 1, method: 'tools/list', params: [] },
    {},
  ]) {
    const reply = await client.send(message);
    assert.deepEqual([reply.status, codeOf(reply)], [400, -32_600]);
  }
  assert.deepEqual(outside.arrivals, []);
});

test('errors of a served request are no failures of HTTP, but for a lacking capability', async (t) => {
  const { client } = await openModern(t, () => ({
    kind: 'input-required',
    inputRequests: { a: { method: 'roots/list', params: {} } },
    requestState: undefined,
  }));
  const unknown = await client.post('tools/call', { name: 'nothing' });
  assert.deepEqual([unknown.status, codeOf(unknown)], [200, -32_602]);
  const lacking = await client.post('tools/call', call);
  assert.deepEqual([lacking.status, codeOf(lacking)], [400, -32_021]);
});

test('what a call needs is asked for in its result, with a sealed state', async (t) => {
  const { client } = await openModern(t, () => ({
    kind: 'input-required',
    inputRequests: { a: { method: 'roots/list', params: {} } },
    requestState: 'of up',
  }));
  const meta = metaFor({ 'io.modelcontextprotocol/clientCapabilities': { roots: {} } });
  const result = resultOf(await client.post('tools/call', { ...call, _meta: meta }));
  assert.equal(result['resultType'], 'input_required');
  assert.deepEqual(result['inputRequests'], { a: { method: 'roots/list', params: {} } });
  assert.match(textIn(result['requestState']), /^[A-Za-z0-9+/=]+\.test$/);
});
