import assert from 'node:assert/strict';
import test from 'node:test';
import { isJsonObject } from '@modelhost/kernel';
import {
  createOutside,
  errorOf,
  listedTool,
  namesOf,
  openCore,
  resultOf,
  textOf,
} from './fixtures/outside.ts';
import type { Outside } from './fixtures/outside.ts';

const threeTools = ['search_tools', 'describe_tool', 'call_tool'];

function manyTools(): Outside {
  const outside = createOutside();
  const filler = Array.from({ length: 60 }, (_, index) => listedTool(`tool_${index}`));
  const weather = listedTool('forecast', {
    title: 'Weather forecast',
    description: 'Tells the weather of the next days for a city.',
    inputSchema: { type: 'object', properties: { city: { type: 'string' } } },
  });
  outside.offer({ up: { tools: [...filler, weather] } });
  return outside;
}

test('three tools stand for a catalogue that is too big, or always if the view says so', async () => {
  const outside = manyTools();
  const big = openCore(outside, { search: 'auto', searchTokensMax: 1_000 });
  assert.deepEqual(namesOf(await big.ask('tools/list'), 'tools'), threeTools);
  const small = openCore(outside, { search: 'auto', searchTokensMax: 10_000 });
  assert.equal(namesOf(await small.ask('tools/list'), 'tools').length, 61);
  const always = openCore(outside, { search: 'always', tools: ['up__forecast'] });
  assert.deepEqual(namesOf(await always.ask('tools/list'), 'tools'), threeTools);
});

test('a tool is found by what it does, described whole, and called as itself', async () => {
  const outside = manyTools();
  const { ask } = openCore(outside, { search: 'always' });
  const found = await ask('tools/call', {
    name: 'search_tools',
    arguments: { query: 'weather of a city', limit: 3 },
  });
  const { structuredContent } = resultOf(found);
  assert.ok(isJsonObject(structuredContent));
  assert.deepEqual(structuredContent['tools'], [
    {
      name: 'up__forecast',
      title: 'Weather forecast',
      summary: 'Tells the weather of the next days for a city.',
    },
  ]);
  const described = await ask('tools/call', {
    name: 'describe_tool',
    arguments: { name: 'up__forecast' },
  });
  const tool = { ...outside.relay.catalogue('acme').tools.at(-1)?.listed, name: 'up__forecast' };
  assert.deepEqual(resultOf(described)['structuredContent'], { tool });
  const values = { city: 'Bern' };
  const called = await ask('tools/call', {
    name: 'call_tool',
    arguments: { name: 'up__forecast', arguments: values },
  });
  assert.equal(textOf(called), JSON.stringify(values));
  assert.equal(outside.arrivals.length, 1);
  assert.equal(outside.arrivals[0]?.tool?.name, 'up__forecast');
  assert.equal(outside.arrivals[0]?.exchange.params['arguments'], values);
});

test('a tool that the view does not show is neither found, described nor called through the three', async () => {
  const outside = manyTools();
  const { ask } = openCore(outside, { search: 'always', tools: ['up__tool_1'] });
  const search = { name: 'search_tools', arguments: { query: 'weather forecast' } };
  assert.deepEqual(resultOf(await ask('tools/call', search))['structuredContent'], { tools: [] });
  const describe = { name: 'describe_tool', arguments: { name: 'up__forecast' } };
  assert.equal(resultOf(await ask('tools/call', describe))['isError'], true);
  const call = { name: 'call_tool', arguments: { name: 'up__forecast' } };
  assert.equal(errorOf(await ask('tools/call', call))[0], -32_602);
  assert.deepEqual(outside.arrivals, []);
});

test('the three cannot be called through each other, and arguments of theirs that do not fit are refused', async () => {
  const outside = manyTools();
  const { ask } = openCore(outside, { search: 'always' });
  for (const name of threeTools) {
    const call = { name: 'call_tool', arguments: { name, arguments: {} } };
    assert.equal(errorOf(await ask('tools/call', call))[0], -32_602);
  }
  const wrong = [
    { name: 'search_tools', arguments: {} },
    { name: 'search_tools', arguments: { query: 'x'.repeat(1_001) } },
    { name: 'search_tools', arguments: { query: 'x', limit: 51 } },
    { name: 'describe_tool', arguments: { name: 7 } },
  ];
  for (const params of wrong) {
    assert.equal(resultOf(await ask('tools/call', params))['isError'], true);
  }
  for (const values of [{}, { name: 'up__forecast', arguments: [] }]) {
    assert.equal(
      errorOf(await ask('tools/call', { name: 'call_tool', arguments: values }))[0],
      -32_602,
    );
  }
  assert.deepEqual(outside.arrivals, []);
});

test('a tool of a server with the name of one of the three is not mistaken for it', async () => {
  const outside = createOutside();
  outside.offer({ up: { tools: [listedTool('search_tools'), listedTool('echo')] } });
  const { ask } = openCore(outside, { search: 'never', naming: 'none' });
  await ask('tools/call', { name: 'search_tools', arguments: {} });
  assert.equal(outside.arrivals.length, 1);
});
