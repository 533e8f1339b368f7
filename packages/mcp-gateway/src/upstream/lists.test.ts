import assert from 'node:assert/strict';
import test from 'node:test';
import type { Json, JsonObject } from '@modelhost/kernel';
import { isHostError } from '../fixtures/start-gateway.ts';
import { readLists } from './lists.ts';
import type { ListKind, UpstreamLists } from './lists.ts';
import type { RpcAnswer } from './rpc-message.ts';

interface Listing {
  readonly capabilities?: JsonObject;
  readonly isModernHttp?: boolean;
  readonly kinds?: ReadonlySet<ListKind>;
}

interface Read {
  readonly lists: UpstreamLists;
  readonly asked: readonly string[];
  readonly log: readonly string[];
}

const all = { tools: {}, prompts: {}, resources: {} };

async function read(
  answer: (method: string, cursor: Json | undefined) => RpcAnswer,
  {
    capabilities = all,
    isModernHttp = false,
    kinds = new Set(['tools', 'prompts', 'resources']),
  }: Listing = {},
): Promise<Read> {
  const asked: string[] = [];
  const log: string[] = [];
  const lists = await readLists(
    {
      server: 'srv',
      capabilities,
      isModernHttp,
      request: async (method, { cursor }) => {
        asked.push(method);
        return answer(method, cursor);
      },
      log: (message) => log.push(message),
      hide: (text) => text,
    },
    kinds,
  );
  return { lists, asked, log };
}

function ok(result: JsonObject): RpcAnswer {
  return { kind: 'result', result };
}

function refused(code: number): RpcAnswer {
  return { kind: 'error', error: { code, message: 'no\u0000 such\nlist' } };
}

const memberOf: Readonly<Record<string, keyof UpstreamLists>> = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
};

function listOf(method: string, items: readonly JsonObject[], nextCursor?: Json): RpcAnswer {
  const member = memberOf[method] ?? 'tools';
  return ok({ [member]: items, ...(nextCursor === undefined ? {} : { nextCursor }) });
}

test('all pages of all lists are read, and items stay as they are listed', async () => {
  const { lists, asked } = await read((method, cursor) =>
    cursor === undefined
      ? listOf(method, [{ name: `${method} 1`, odd: { kept: [1] } }], 'next')
      : listOf(method, [{ name: `${method} 2` }]),
  );
  assert.deepEqual(lists.tools, [
    { name: 'tools/list 1', odd: { kept: [1] } },
    { name: 'tools/list 2' },
  ]);
  assert.deepEqual(
    lists.resourceTemplates.map(({ name }) => name),
    ['resources/templates/list 1', 'resources/templates/list 2'],
  );
  assert.equal(asked.length, 8);
});

test('what the server does not have, or nobody wants, is not asked for', async () => {
  const some = await read((method) => listOf(method, []), { capabilities: { tools: {} } });
  assert.deepEqual(some.asked, ['tools/list']);
  const wanted = await read((method) => listOf(method, []), { kinds: new Set(['prompts']) });
  assert.deepEqual(wanted.asked, ['prompts/list']);
});

test('a list is cut at its caps, which is told', async () => {
  const kinds = new Set<ListKind>(['tools']);
  const endless = await read((method) => listOf(method, [{ name: 'a' }], 'more'), { kinds });
  assert.equal(endless.lists.tools.length, 32);
  assert.deepEqual(endless.log, ['the catalogue is cut after 32 pages']);
  const items = Array.from({ length: 600 }, (_, index) => ({ name: `${index}` }));
  const many = await read((method) => listOf(method, items), { kinds });
  assert.equal(many.lists.tools.length, 512);
  assert.deepEqual(many.log, ['the catalogue is cut after 512 tools']);
  const heavy = ['a', 'b', 'c'].map((name) => ({ name, description: 'x'.repeat(1_000_000) }));
  const large = await read((method) => listOf(method, heavy), { kinds });
  assert.equal(large.lists.tools.length, 2);
});

test('a server that refuses its tools is of no use; the other lists are then empty', async () => {
  const only = (refusedMethod: string) => (method: string) =>
    method === refusedMethod ? refused(-32_601) : listOf(method, [{ name: 'a' }]);
  await assert.rejects(read(only('tools/list')), (error) => {
    assert.ok(isHostError('mcp_protocol_error', { server: 'srv', rpc_code: '-32601' })(error));
    assert.match(String(error), /tools\/list: it answered error -32601: no such list/);
    return true;
  });
  for (const method of ['prompts/list', 'resources/list', 'resources/templates/list']) {
    const { lists, log } = await read(only(method)); // oxlint-disable-line no-await-in-loop
    assert.deepEqual(lists[memberOf[method] ?? 'tools'], []);
    assert.equal(lists.tools.length, 1);
    assert.equal(log.length, 1);
  }
});

for (const [title, result] of [
  ['no list', { tools: 'a' }],
  ['nothing', {}],
  ['an item that is none', { tools: [5] }],
] satisfies readonly (readonly [string, JsonObject])[]) {
  test(`an answer with ${title} is not of the protocol`, async () => {
    await assert.rejects(
      read(() => ok(result)),
      isHostError('mcp_protocol_error', { server: 'srv' }),
    );
  });
}

test('a tool that asks for headers which cannot be is left out, where headers are', async () => {
  const bad = {
    name: 'bad',
    inputSchema: { properties: { a: { type: 'number', 'x-mcp-header': 'A' } } },
  };
  const kinds = new Set<ListKind>(['tools']);
  const answer = (method: string): RpcAnswer => listOf(method, [{ name: 'good' }, bad]);
  const { lists, log } = await read(answer, { isModernHttp: true, kinds });
  assert.deepEqual(lists.tools, [{ name: 'good' }]);
  assert.match(log[0] ?? '', /"bad" is left out/);
  const elsewhere = await read(answer, { kinds });
  assert.equal(elsewhere.lists.tools.length, 2);
});
