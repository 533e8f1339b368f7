import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createJsonSchemas } from '@modelhost/json-schema';
import { HostError } from '@modelhost/kernel';
import type { AgentSpec, JsonObject, ToolReply } from '@modelhost/kernel';
import { createTool, textAnswer } from './outside.ts';
import type { ModelTurn, OutsideOptions } from './outside.ts';
import { assertReplays, bodies, play } from './play.ts';
import type { Played } from './play.ts';

const question: JsonObject = {
  systemPrompt: 'Be short.',
  messages: [{ role: 'user', content: { type: 'text', text: 'Name a colour.' } }],
  maxTokens: 50,
  temperature: 0.25,
  stopSequences: ['END'],
};

const allowed: Partial<AgentSpec> = { samplingServers: ['desk'] };
const usage = { inputTokens: 11, outputTokens: 3, cachedInputTokens: 0, reasoningTokens: 0 };
const calling: ModelTurn = { calls: [['desk__write', '{}']], usage };

function worldOf(
  params: JsonObject,
  sampled: ModelTurn,
  changes: Partial<OutsideOptions> = {},
): OutsideOptions {
  const asking: ToolReply = {
    type: 'input-required',
    state: 's1',
    requests: { ask: { method: 'sampling/createMessage', params } },
  };
  return {
    turns: [calling, sampled, { text: 'done', usage }],
    tools: [createTool('desk__write', 'irreversible')],
    schemas: createJsonSchemas(),
    callTool: async ({ resume }) =>
      resume === undefined ? asking : textAnswer(JSON.stringify(resume.answers['ask'])),
    ...changes,
  };
}

const blue: ModelTurn = { text: 'blue ', usage };

function refusalOf(played: Played): readonly [string | undefined, string | undefined] {
  const [finished] = bodies(played, 'tool-finished');
  return [finished?.outcome, finished?.error?.code];
}

suite('a tool server that asks the model', () => {
  test('gets an answer within the budget of the run, decided and on record, and nobody else sees it', async () => {
    const played = await play(worldOf(question, blue), { agentChanges: allowed });
    assert.equal(
      bodies(played, 'tool-finished')[0]?.content,
      '{"role":"assistant","content":{"type":"text","text":"blue "},"model":"fake-1-real","stopReason":"endTurn"}',
    );
    assert.deepEqual(played.outside.calls[0]?.canAnswer, [
      'elicitation/create',
      'sampling/createMessage',
    ]);
    const [, request] = played.outside.requests;
    assert.deepEqual(request?.messages, [
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: [{ type: 'text', text: 'Name a colour.' }] },
    ]);
    assert.deepEqual([request?.tools, request?.maxOutputTokens], [[], 50]);
    assert.equal(request?.sampling.temperature, 0.25);
    const texts = bodies(played, 'text-delta').map(({ text }) => text);
    assert.deepEqual(texts, ['done']);
    const { modelCalls, inputTokens, outputTokens } = played.result.statistics;
    assert.deepEqual([modelCalls, inputTokens, outputTokens], [3, 33, 9]);
    const record = played.outside.records.find(
      ({ step, kind }) => step === 'turn-1/tool-1/input-1-1' && kind === 'decision',
    );
    assert.partialDeepStrictEqual(record?.facts, {
      action: 'UseModel',
      tool: 'desk__write',
      server: 'desk',
    });
    assert.ok(!JSON.stringify(played.outside.records).includes('blue'));
    await assertReplays(played);
  });

  test('is refused by an agent that does not name it, and the model is not asked', async () => {
    for (const samplingServers of [[], ['other'], ['des']]) {
      const world = { ...worldOf(question, blue), turns: [calling, { text: 'done' }] };
      const played = await play(world, { agentChanges: { samplingServers } });
      assert.deepEqual(refusalOf(played), ['failed', 'permission_denied']);
      assert.equal(played.outside.requests.length, 2);
      assert.equal(played.outside.calls.length, 1);
      assert.deepEqual(played.outside.calls[0]?.canAnswer, ['elicitation/create']);
    }
  });

  test('is refused what policy denies, on record', async () => {
    let asked = 0;
    const deny = { effect: 'deny', reasons: [{ rule: 'no.more', message: 'not twice' }] } as const;
    const allow = { effect: 'allow', reasons: [] } as const;
    const played = await play(
      worldOf(
        question,
        { text: 'done' },
        {
          decide: ({ action }) => {
            if (action === 'UseModel') asked += 1;
            return action === 'UseModel' && asked === 2 ? deny : allow;
          },
        },
      ),
      { agentChanges: allowed },
    );
    assert.deepEqual(refusalOf(played), ['failed', 'policy_violation']);
    assert.equal(played.outside.requests.length, 2);
    assert.ok(played.outside.records.some(({ facts }) => facts['effect'] === 'deny'));
    assert.equal(played.result.ending.reason, 'completed');
    await assertReplays(played);
  });

  test('is refused what is beyond the budget of the run', async () => {
    const long = {
      ...question,
      messages: [{ role: 'user', content: { type: 'text', text: 'x'.repeat(40_000) } }],
    };
    const played = await play(
      { ...worldOf(long, blue), turns: [calling, { text: 'done' }] },
      { agentChanges: allowed },
    );
    assert.deepEqual(refusalOf(played), ['failed', 'budget_exceeded']);
    assert.equal(played.outside.requests.length, 2);
  });

  test('gets no more tokens than the run has left, and is told that the answer was cut', async () => {
    const played = await play(
      worldOf({ ...question, maxTokens: 1_000_000 }, { text: 'b', finishReason: 'length', usage }),
      { agentChanges: allowed, limits: { tokensMax: 900 } },
    );
    const asked = played.outside.requests[1]?.maxOutputTokens ?? Infinity;
    assert.ok(asked > 0 && asked < 900);
    assert.match(bodies(played, 'tool-finished')[0]?.content ?? '', /"stopReason":"maxTokens"/);
  });

  test('a model that fails it fails the call, not the run', async () => {
    const error = new HostError('provider_unavailable', 'the provider is down');
    const played = await play(worldOf(question, { error }), { agentChanges: allowed });
    assert.deepEqual(refusalOf(played), ['failed', 'provider_unavailable']);
    assert.equal(played.result.ending.reason, 'completed');
  });

  test('a run that is cancelled meanwhile ends so, with nothing held', async () => {
    const played = await play(
      worldOf(question, { hangs: true }),
      { agentChanges: allowed },
      (body, act) =>
        body.type === 'decision' && body.action === 'UseModel' && act.recorded().includes('intent')
          ? act.cancel()
          : undefined,
    );
    assert.deepEqual(played.result.ending, { reason: 'cancelled', by: 'tester' });
    const outcomes = played.outside.records.filter(({ kind }) => kind === 'outcome');
    assert.deepEqual(
      outcomes.map(({ facts }) => facts['outcome']),
      ['unknown'],
    );
  });

  test('what is malformed, or asks for tools or sound, is refused before the model is asked', async () => {
    const text = { type: 'text', text: 'x' };
    const wrong: readonly JsonObject[] = [
      {},
      { ...question, tools: [{ name: 't' }] },
      { ...question, tools: {} },
      { ...question, maxTokens: 0 },
      { ...question, maxTokens: 1.5 },
      { ...question, messages: [] },
      {
        ...question,
        messages: Array.from({ length: 65 }, () => ({ role: 'user', content: text })),
      },
      { ...question, messages: [{ role: 'system', content: text }] },
      {
        ...question,
        messages: [
          { role: 'user', content: { type: 'audio', data: 'AA==', mimeType: 'audio/wav' } },
        ],
      },
      {
        ...question,
        messages: [{ role: 'user', content: { type: 'image', data: '"', mimeType: 'image/png' } }],
      },
      { ...question, systemPrompt: 7 },
    ];
    for (const params of wrong) {
      const played = await play(
        { ...worldOf(params, blue), turns: [calling, { text: 'done' }] },
        { agentChanges: allowed },
      );
      assert.deepEqual(refusalOf(played), ['failed', 'mcp_protocol_error']);
      assert.equal(played.outside.requests.length, 2);
    }
  });

  test('several blocks, images and earlier answers reach the model as they are', async () => {
    const messages = [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'see' },
          { type: 'image', data: 'AAAA', mimeType: 'image/png' },
        ],
      },
      { role: 'assistant', content: { type: 'text', text: 'a cat' } },
      { role: 'user', content: { type: 'text', text: 'sure?' } },
    ];
    const played = await play(worldOf({ maxTokens: 5, messages, tools: [] }, blue), {
      agentChanges: allowed,
    });
    assert.deepEqual(played.outside.requests[1]?.messages, [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'see' },
          { type: 'image', mediaType: 'image/png', source: { base64: 'AAAA' } },
        ],
      },
      { role: 'assistant', content: 'a cat', toolCalls: [] },
      { role: 'user', content: [{ type: 'text', text: 'sure?' }] },
    ]);
  });
});
