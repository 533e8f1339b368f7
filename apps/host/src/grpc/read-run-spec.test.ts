import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Role, ToolChoice_Mode } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import fc from 'fast-check';
import { readRunSpec } from './read-run-spec.ts';
import { fieldsOf, file, options, readChanged, text } from '../fixtures/run-specs.ts';
import type { SpecInit } from '../fixtures/run-specs.ts';

const refused: readonly (readonly [title: string, spec: SpecInit, ...fields: string[]])[] = [
  ['no agent', { agent: '' }, 'spec.agent'],
  ['an agent that there is not', { agent: 'reader' }, 'spec.agent'],
  ['an agent named as a member of every object', { agent: '__proto__' }, 'spec.agent'],
  ['a request id of 129 characters', { requestId: 'x'.repeat(129) }, 'spec.request_id'],
  ['a request id with a line end', { requestId: 'a\n' }, 'spec.request_id'],
  ['a request id beyond ASCII', { requestId: 'ü' }, 'spec.request_id'],
  ['a temperature above 2', { sampling: { temperature: 2.01 } }, 'spec.sampling.temperature'],
  [
    'a temperature that is no number',
    { sampling: { temperature: Number.NaN } },
    'spec.sampling.temperature',
  ],
  ['a top_p of 0', { sampling: { topP: 0 } }, 'spec.sampling.top_p'],
  [
    'an answer of 0 tokens',
    { sampling: { maxOutputTokens: 0 } },
    'spec.sampling.max_output_tokens',
  ],
  ['a seed beyond 2^53', { sampling: { seed: 2n ** 53n } }, 'spec.sampling.seed'],
  ['a negative seed', { sampling: { seed: -1n } }, 'spec.sampling.seed'],
  [
    'five stop sequences',
    { sampling: { stopSequences: ['a', 'b', 'c', 'd', 'e'] } },
    'spec.sampling.stop_sequences',
  ],
  [
    'an empty stop sequence',
    { sampling: { stopSequences: [''] } },
    'spec.sampling.stop_sequences[0]',
  ],
  ['a tool choice without a mode', { toolChoice: {} }, 'spec.tool_choice.mode'],
  [
    'a mode that only newer callers know',
    { toolChoice: { mode: 99 as ToolChoice_Mode } },
    'spec.tool_choice.mode',
  ],
  [
    'MODE_TOOL without a tool',
    { toolChoice: { mode: ToolChoice_Mode.TOOL } },
    'spec.tool_choice.tool',
  ],
  [
    'a tool without MODE_TOOL',
    { toolChoice: { mode: ToolChoice_Mode.AUTO, tool: 'x' } },
    'spec.tool_choice.tool',
  ],
  ['a budget of 0 tokens', { budget: { maxTokens: 0n } }, 'spec.budget.max_tokens'],
  ['a negative cost', { budget: { maxCostMicroUsd: -1n } }, 'spec.budget.max_cost_micro_usd'],
  ['a budget of 0 steps', { budget: { maxSteps: 0 } }, 'spec.budget.max_steps'],
  [
    'a negative number of tool calls',
    { budget: { maxToolCalls: -1 } },
    'spec.budget.max_tool_calls',
  ],
  ['no time', { budget: { maxDuration: {} } }, 'spec.budget.max_duration'],
  ['negative time', { budget: { maxDuration: { seconds: -1n } } }, 'spec.budget.max_duration'],
  ['an answer schema that is no JSON', { answerSchemaJson: '{' }, 'spec.answer_schema_json'],
  ['an answer schema that is no object', { answerSchemaJson: 'true' }, 'spec.answer_schema_json'],
  [
    'an answer schema of no known type',
    { answerSchemaJson: '{"type":"int"}' },
    'spec.answer_schema_json',
  ],
  [
    'an answer schema from elsewhere',
    { answerSchemaJson: '{"$ref":"https://a.example/schema"}' },
    'spec.answer_schema_json',
  ],
  [
    'an answer schema above 64 KiB',
    { answerSchemaJson: JSON.stringify({ description: 'x'.repeat(65_536) }) },
    'spec.answer_schema_json',
  ],
  [
    'a client tool with two underscores',
    { clientTools: [tool({ name: 'files__read' })] },
    'spec.client_tools[0].name',
  ],
  [
    'a client tool without a name',
    { clientTools: [tool({ name: '' })] },
    'spec.client_tools[0].name',
  ],
  [
    'two client tools of one name',
    { clientTools: [tool({}), tool({})] },
    'spec.client_tools[1].name',
  ],
  [
    'a client tool without a schema',
    { clientTools: [tool({ inputSchemaJson: '' })] },
    'spec.client_tools[0].input_schema_json',
  ],
  [
    'a client tool with a schema of a list',
    { clientTools: [tool({ inputSchemaJson: '{"type":"array"}' })] },
    'spec.client_tools[0].input_schema_json',
  ],
  [
    'a client tool with a long description',
    { clientTools: [tool({ description: 'x'.repeat(4_097) })] },
    'spec.client_tools[0].description',
  ],
  [
    '65 client tools',
    { clientTools: Array.from({ length: 65 }, (_none, at) => tool({ name: `t${at}` })) },
    'spec.client_tools',
  ],
  [
    '33 labels',
    { metadata: Object.fromEntries(Array.from({ length: 33 }, (_none, at) => [`k${at}`, ''])) },
    'spec.metadata',
  ],
  ['a label without a name', { metadata: { '': 'x' } }, 'spec.metadata[""]'],
  ['a label of 513 characters', { metadata: { k: 'x'.repeat(513) } }, 'spec.metadata["k"]'],
];

function tool(value: object): NonNullable<SpecInit['clientTools']>[number] {
  return { name: 'ask', inputSchemaJson: '{"type":"object"}', ...value };
}

for (const [title, spec, ...fields] of refused) {
  test(`a run is refused for ${title}`, () => {
    assert.deepEqual(fieldsOf(spec), fields);
  });
}

test('a run without a spec is refused', () => {
  assert.throws(
    () => readRunSpec(undefined, options),
    (thrown) => thrown instanceof HostError && thrown.violations[0]?.field === 'spec',
  );
});

test('everything that is wrong is said at once, up to 32 fields', () => {
  const many = {
    agent: '',
    requestId: '\n',
    sampling: { temperature: 3, topP: 2 },
    budget: { maxSteps: 0 },
  };
  assert.deepEqual(fieldsOf(many).toSorted(), [
    'spec.agent',
    'spec.budget.max_steps',
    'spec.request_id',
    'spec.sampling.temperature',
    'spec.sampling.top_p',
  ]);
  assert.equal(fieldsOf({ input: Array.from({ length: 64 }, () => text('')) }).length, 32);
});

test('a refusal never repeats what was sent', () => {
  const canary = 'canary';
  const specs: readonly SpecInit[] = [
    { requestId: `${canary}\n` },
    { answerSchemaJson: `{"type":"${canary}"}` },
    { answerSchemaJson: `{${canary}` },
    { input: [file({ uri: `http://${canary}/` })] },
    { clientTools: [tool({ name: `${canary} ` })] },
    { metadata: { k: canary.repeat(100) } },
  ];
  for (const spec of specs) {
    assert.throws(
      () => readChanged(spec),
      (thrown) =>
        thrown instanceof HostError &&
        !JSON.stringify([thrown.message, thrown.violations]).includes(canary),
      JSON.stringify(spec).slice(0, 100),
    );
  }
});

test('the edges of the bounds are allowed', () => {
  const allowed: readonly SpecInit[] = [
    { input: Array.from({ length: 64 }, () => text('x')) },
    { input: [text('x'.repeat(1_048_576))] },
    { requestId: ' '.repeat(128) },
    {
      sampling: {
        temperature: 0,
        topP: 1,
        maxOutputTokens: 1_000_000,
        seed: 2n ** 53n - 1n,
        stopSequences: ['a'],
      },
    },
    { budget: { maxCostMicroUsd: 0n, maxToolCalls: 0, maxSteps: 1, maxTokens: 1n } },
    { metadata: { ['k'.repeat(64)]: 'v'.repeat(512) } },
    { clientTools: [tool({ name: 'x'.repeat(64) })] },
    {
      history: [
        { role: Role.USER, content: [text('x')] },
        { role: Role.ASSISTANT, toolCalls: [{ id: 'c', name: 't', argumentsJson: '{}' }] },
        { role: Role.TOOL, toolCallId: 'c', content: [text('ok')] },
      ],
    },
  ];
  for (const spec of allowed) assert.deepEqual(fieldsOf(spec), []);
});

test('what the request says goes before what the agent says', () => {
  assert.deepEqual(readChanged({ sampling: { temperature: 1 } }).sampling, {
    temperature: 1,
    seed: 1,
  });
});

test('a request can only lower the budget of its agent', () => {
  const part = fc.option(fc.integer({ min: 1, max: 2_000_000 }), { nil: undefined });
  fc.assert(
    fc.property(part, part, part, part, (tokens, cost, steps, ms) => {
      const { budget } = readChanged({
        budget: {
          ...(tokens === undefined ? {} : { maxTokens: BigInt(tokens) }),
          ...(cost === undefined ? {} : { maxCostMicroUsd: BigInt(cost) }),
          ...(steps === undefined ? {} : { maxSteps: steps }),
          ...(ms === undefined ? {} : { maxDuration: { nanos: ms } }),
        },
      });
      assert.equal(budget.tokensMax, Math.min(tokens ?? 1_000, 1_000));
      assert.equal(budget.costMicroUsdMax, Math.min(cost ?? 1_000, 1_000));
      assert.equal(budget.stepsMax, Math.min(steps ?? 10, 10));
      assert.ok(budget.durationMsMax >= 1 && budget.durationMsMax <= 1_000);
      assert.equal(budget.toolCallsMax, 10);
    }),
  );
});
