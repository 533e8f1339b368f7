import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createJsonSchemas } from '@modelhost/json-schema';
import type { AgentSpec, ToolDefinition } from '@modelhost/kernel';
import { createTool } from './outside.ts';
import type { ModelTurn, OutsideOptions } from './outside.ts';
import { assertReplays, bodies, play } from './play.ts';

const many: readonly ToolDefinition[] = Array.from({ length: 60 }, (_, index) => ({
  ...createTool(`desk__tool_${index}`, 'irreversible'),
  description: `Does the work of number ${index}, and says at some length what that is.`,
  inputSchema: {
    type: 'object',
    properties: { value: { type: 'string' } },
    required: ['value'],
  },
}));
const foreign = createTool('vault__open', 'none');

const searching: Partial<AgentSpec> = { toolSearch: 'always' };

function worldOf(
  turns: readonly ModelTurn[],
  changes: Partial<OutsideOptions> = {},
): OutsideOptions {
  return {
    turns,
    tools: [...many, foreign],
    schemas: createJsonSchemas(),
    searchTools: () => [],
    ...changes,
  };
}

function callOf(name: string, inner: unknown = { value: 'x' }): ModelTurn {
  return { calls: [['call_tool', JSON.stringify({ name, arguments: inner })]] };
}

suite('tool search', () => {
  test('a large catalogue is searched, described and called, and everybody sees the real tool', async () => {
    const asked: unknown[] = [];
    const played = await play(
      worldOf(
        [
          { calls: [['search_tools', '{"query":"number 7","limit":2}']] },
          { calls: [['describe_tool', '{"name":"desk__tool_7"}']] },
          callOf('desk__tool_7'),
          { text: 'done' },
        ],
        {
          searchTools: (query, names, limit) => {
            asked.push([query, names.length, limit, names.includes('vault__open')]);
            // A gateway that knows more than the agent may have.
            return [foreign, ...many.slice(7, 9)].map((tool) => ({ tool, score: 1 }));
          },
        },
      ),
      { agentChanges: searching },
    );
    assert.deepEqual(asked, [['number 7', 60, 2, false]]);
    const [first, , , fourth] = played.outside.requests;
    assert.deepEqual(
      first?.tools.map(({ name }) => name),
      ['search_tools', 'describe_tool', 'call_tool'],
    );
    assert.match(first?.tools[0]?.description ?? '', /60 tools .* desk \(60\)/);
    const [found, described, called] = bodies(played, 'tool-finished');
    assert.deepEqual(
      [...(found?.content ?? '').matchAll(/"name":"(\w+)"/g)].map(([, name]) => name),
      ['desk__tool_7', 'desk__tool_8'],
    );
    assert.ok(described?.content.includes(JSON.stringify(many[7]?.inputSchema)));
    assert.deepEqual([called?.tool, called?.outcome], ['desk__tool_7', 'ok']);
    assert.deepEqual(
      bodies(played, 'tool-requested')
        .map(({ tool, arguments: text }) => [tool, text])
        .at(-1),
      ['desk__tool_7', '{"value":"x"}'],
    );
    const resources = played.outside.questions.flatMap(({ resource }) =>
      resource.type === 'tool' ? [resource.tool.name] : [],
    );
    assert.deepEqual(resources, ['desk__tool_7']);
    assert.deepEqual(
      played.outside.calls.map(({ tool }) => tool),
      ['desk__tool_7'],
    );
    const audited = played.outside.records.filter(({ kind }) => kind === 'intent');
    assert.deepEqual(
      audited.map(({ facts }) => facts['tool']),
      ['desk__tool_7'],
    );
    // The conversation keeps the name that the model used, which providers pair with its call.
    const result = fourth?.messages.at(-1);
    assert.equal(result?.role === 'tool' && result.toolName, 'call_tool');
    assert.equal(played.result.statistics.toolCalls, 3);
    await assertReplays(played);
  });

  test('a tool that policy denies is denied within call_tool as well', async () => {
    const played = await play(
      worldOf([callOf('desk__tool_3'), { text: 'done' }], {
        decide: ({ action }) => ({
          effect: action === 'CallTool' ? 'deny' : 'allow',
          reasons: [{ rule: 'no.three', message: 'not that one' }],
        }),
      }),
      { agentChanges: searching },
    );
    const [finished] = bodies(played, 'tool-finished');
    assert.deepEqual([finished?.tool, finished?.outcome], ['desk__tool_3', 'denied']);
    assert.equal(played.outside.calls.length, 0);
    assert.ok(played.outside.records.some(({ facts }) => facts['tool'] === 'desk__tool_3'));
    assert.equal(played.result.statistics.toolCallsDenied, 1);
  });

  test('what the agent may not have is not found, described or called', async () => {
    const played = await play(
      worldOf([
        { calls: [['describe_tool', '{"name":"vault__open"}']] },
        callOf('vault__open'),
        callOf('call_tool', { name: 'desk__tool_1' }),
        { text: 'done' },
      ]),
      { agentChanges: searching },
    );
    assert.deepEqual(
      bodies(played, 'tool-finished').map(({ error }) => error?.code),
      ['mcp_tool_not_found', 'mcp_tool_not_found', 'mcp_tool_not_found'],
    );
    assert.equal(played.outside.calls.length, 0);
  });

  test('arguments are checked by the schema of the real tool, and those of the search by its own', async () => {
    const played = await play(
      worldOf([
        callOf('desk__tool_1', { other: 1 }),
        { calls: [['search_tools', '{"limit":3}']] },
        { calls: [['search_tools', '{"query":"x","limit":1000}']] },
        { calls: [['call_tool', '{"name":7}']] },
        { calls: [['call_tool', '{']] },
        { text: 'done' },
      ]),
      { agentChanges: searching },
    );
    const finished = bodies(played, 'tool-finished');
    assert.deepEqual(
      finished.map(({ outcome }) => outcome),
      Array.from({ length: 5 }, () => 'invalid_arguments'),
    );
    assert.match(finished[0]?.error?.message ?? '', /value: is required/);
    assert.equal(played.outside.calls.length, 0);
  });

  test('arguments that a model wrote as a text of JSON, or left out, are taken', async () => {
    const played = await play(
      worldOf([
        callOf('desk__tool_1', '{"value":"y"}'),
        { calls: [['call_tool', '{"name":"desk__tool_2"}']] },
        { text: 'done' },
      ]),
      { agentChanges: searching },
    );
    assert.deepEqual(
      played.outside.calls.map((call) => call.arguments),
      [{ value: 'y' }],
    );
    assert.equal(bodies(played, 'tool-finished')[1]?.outcome, 'invalid_arguments');
  });

  for (const [title, changes, isSearched] of [
    ['a catalogue beyond the share of the window', { toolSearch: 'auto' }, true],
    ['a small catalogue', { toolSearch: 'auto', tools: ['desk__tool_1'] }, false],
    ['an agent that never searches', { toolSearch: 'never' }, false],
    ['an agent that always searches', { toolSearch: 'always', tools: ['desk__tool_1'] }, true],
    ['an agent without tools', { toolSearch: 'always', tools: [] }, false],
  ] as const) {
    test(`${title} is ${isSearched ? '' : 'not '}searched`, async () => {
      const played = await play(worldOf([{ text: 'done' }]), { agentChanges: changes });
      const names = played.outside.requests[0]?.tools.map(({ name }) => name) ?? [];
      assert.equal(names.includes('search_tools'), isSearched);
      assert.equal(names.includes('desk__tool_1'), !isSearched && changes.tools?.length !== 0);
    });
  }

  test('a tool of the caller with one of the names takes precedence, and the others are shown', async () => {
    const own = createTool('search_tools', 'none');
    const played = await play(worldOf([{ text: 'done' }]), {
      agentChanges: searching,
      clientTools: [own],
    });
    assert.equal(played.outside.requests[0]?.tools.length, 61);
    assert.ok(played.outside.requests[0]?.tools.includes(own));
  });

  test('the caller’s tools, and the one that must be used, stay in sight', async () => {
    const own = createTool('ask_user', 'none');
    const played = await play(worldOf([{ text: 'done' }]), {
      agentChanges: searching,
      clientTools: [own],
      toolChoice: { type: 'tool', name: 'desk__tool_5' },
    });
    assert.deepEqual(
      played.outside.requests[0]?.tools.map(({ name }) => name),
      ['search_tools', 'describe_tool', 'call_tool', 'desk__tool_5', 'ask_user'],
    );
  });
});
