import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAgentLoop } from '@modelhost/agent-core';
import { HostError } from '@modelhost/kernel';
import type { PolicyRequest } from '@modelhost/kernel';
import { createRunInput } from '../run-input.ts';
import { createTestEngine } from '../test-engine.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import type { GivenDecision } from './decision.ts';
import { createOutside, createTool, textAnswer } from './outside.ts';
import type { Outside, OutsideOptions } from './outside.ts';
import { bodies, play } from './play.ts';
import type { React } from './play.ts';

const readTwice = {
  calls: [
    ['desk__read', '{"path":"a"}'],
    ['desk__read', '{"path":"b"}'],
  ],
} as const;

test('a run without tools streams its text and completes with it', async () => {
  const played = await play({ turns: [{ reasoning: 'hm', text: 'the answer is 42' }] });
  assert.deepEqual(played.result.ending, { reason: 'completed', answer: 'the answer is 42' });
  assert.deepEqual(
    played.events.map(({ step, body }) => [step, body.type]),
    [
      ['', 'run-started'],
      ['turn-1/model', 'step-started'],
      ['turn-1/model', 'decision'],
      ['turn-1/model', 'reasoning-delta'],
      ...Array.from({ length: 4 }, () => ['turn-1/model', 'text-delta']),
      ['turn-1/model', 'usage'],
      ['turn-1/model', 'step-finished'],
      ['', 'run-finished'],
    ],
  );
  assert.deepEqual(
    played.events.map(({ sequence }) => sequence),
    played.events.map((_event, index) => index + 1),
  );
});

test('the calls of a turn get own ids, results in their order, and go back to the model', async () => {
  const played = await play({ turns: [readTwice, { text: 'done' }] });
  assert.equal(played.result.ending.reason, 'completed');
  const [, second] = played.outside.requests;
  const [assistant, ...results] = second?.messages.slice(-3) ?? [];
  assert.ok(assistant?.role === 'assistant');
  const ids = assistant.toolCalls.map(({ id }) => id);
  assert.equal(new Set(ids).size, 2);
  assert.deepEqual(
    results.map((message) => (message.role === 'tool' ? message.toolCallId : '')),
    ids,
  );
  assert.deepEqual(
    played.outside.calls.map((call) => call.arguments),
    [{ path: 'a' }, { path: 'b' }],
  );
  assert.equal(played.result.statistics.toolCalls, 2);
  assert.equal(played.result.statistics.modelCalls, 2);
});

test('decision and intent are on record before the effect, and the outcome after it', async () => {
  const kinds: string[][] = [];
  const outside: { current?: Outside } = {};
  const world: OutsideOptions = {
    turns: [{ calls: [['desk__write', '{"text":"canary-7"}']] }, { text: 'ok' }],
    tools: [createTool('desk__write', 'irreversible')],
    callTool: async () => {
      kinds.push(outside.current?.records.map(({ kind }) => kind) ?? []);
      return textAnswer('written');
    },
  };
  const made = createOutside(world);
  outside.current = made;
  const clock = createVirtualClock();
  const engine = await createTestEngine({ program: createAgentLoop(made.ports), clock });
  await engine.start(createRunInput({}));
  const { signal } = new AbortController();
  await Array.fromAsync(engine.follow('acme', 'run_1', { afterSequence: 0, signal }));
  assert.deepEqual(kinds, [['decision', 'decision', 'intent']]);
  assert.deepEqual(
    made.records.map(({ kind }) => kind),
    ['decision', 'decision', 'intent', 'outcome', 'decision', 'run-finished'],
  );
  assert.ok(!JSON.stringify(made.records).includes('canary-7'));
  await engine.close();
});

test('a denied call never reaches the gateway; the model learns the reason and goes on', async () => {
  const played = await play({
    turns: [readTwice, { text: 'I may not.' }],
    decide: denyPath('b'),
  });
  assert.equal(played.result.ending.reason, 'completed');
  assert.deepEqual(
    played.outside.calls.map((call) => call.arguments),
    [{ path: 'a' }],
  );
  const denied = bodies(played, 'tool-finished').find(({ outcome }) => outcome === 'denied');
  assert.equal(denied?.error?.code, 'policy_violation');
  assert.match(denied?.content ?? '', /b is off limits \(test\.deny\)/);
  assert.equal(played.result.statistics.toolCallsDenied, 1);
  assert.ok(played.outside.records.some(({ facts }) => facts['effect'] === 'deny'));
});

test('a model that policy denies ends the run as denied, without a call', async () => {
  const played = await play({
    turns: [],
    decide: () => ({ effect: 'deny', reasons: [{ rule: 'no.model', message: 'not here' }] }),
  });
  assert.deepEqual(played.result.ending, { reason: 'denied', message: 'not here (no.model)' });
  assert.equal(played.outside.requests.length, 0);
});

for (const [answer, outcome, calls] of [
  [{ approved: true, by: 'chief' }, 'ok', 1],
  [{ approved: false, by: 'chief' }, 'denied', 0],
] as const) {
  test(`a held call waits for a person: ${answer.approved ? 'yes lets it run' : 'no stops it'}`, async () => {
    const played = await play(
      { turns: [{ calls: [['desk__read', '{"path":"x"}']] }, { text: 'done' }], decide: hold },
      {},
      (body, act) =>
        body.type === 'approval-requested'
          ? act.signal(`approval/${body.approvalId}/1`, {
              type: 'approval',
              comment: 'seen',
              roles: [],
              ...answer,
            })
          : undefined,
    );
    const [finished] = bodies(played, 'tool-finished');
    assert.equal(finished?.outcome, outcome);
    assert.equal(played.outside.calls.length, calls);
    const [resolved] = bodies(played, 'approval-resolved');
    assert.deepEqual([resolved?.approved, resolved?.by], [answer.approved, 'chief']);
    const asked = played.outside.questions.filter(({ action }) => action === 'CallTool');
    const fact = asked[1]?.context.approval;
    assert.equal(fact?.callDigest, answer.approved ? asked[0]?.context.callDigest : undefined);
    assert.ok(
      played.outside.records.some(({ kind, actor }) => kind === 'approval' && actor === 'chief'),
    );
  });
}

test('nobody answers an approval: after its time the call is refused and the run goes on', async () => {
  const played = await play(
    { turns: [{ calls: [['desk__read', '{}']] }, { text: 'then not' }], decide: hold },
    {},
    (body, act) => (body.type === 'approval-requested' ? act.pass(20_000) : undefined),
  );
  assert.equal(bodies(played, 'approval-resolved')[0]?.by, 'timeout');
  assert.deepEqual(played.result.ending, { reason: 'completed', answer: 'then not' });
  assert.equal(played.outside.calls.length, 0);
});

test('a client tool parks the run until its result is given, under policy and audit', async () => {
  const client = createTool('ask_user', 'irreversible');
  let recordedAtAllow: readonly string[] = [];
  const played = await play(
    { turns: [{ calls: [['ask_user', '{"question":"blue?"}']] }, { text: 'blue' }] },
    { clientTools: [client] },
    (body, act) => {
      if (body.type !== 'decision' || body.resource !== 'ask_user') return undefined;
      recordedAtAllow = act.recorded();
      return act.signal(`tool-result/${body.callId}`, {
        type: 'tool-result',
        content: 'yes, blue',
        isError: false,
      });
    },
  );
  assert.equal(bodies(played, 'tool-requested')[0]?.executor, 'client');
  assert.equal(bodies(played, 'tool-finished')[0]?.content, 'yes, blue');
  assert.deepEqual(
    played.outside.records.map(({ kind }) => kind),
    ['decision', 'decision', 'intent', 'outcome', 'decision', 'run-finished'],
  );
  assert.equal(played.outside.calls.length, 0);
  // The client acts on the event of its ALLOW, so the intent was on record by then.
  assert.deepEqual(recordedAtAllow, ['decision', 'decision', 'intent']);
});

test('bad calls come back to the model as errors and never reach policy or the gateway', async () => {
  const calls = [
    ['desk__unknown', '{}'],
    ['desk__read', '{"path"'],
    ['desk__read', '[1]'],
    ['desk__read', '{"bad":1}'],
    ['desk__read', `${'{"a":'.repeat(80)}1${'}'.repeat(80)}`],
  ] as const;
  const played = await play({ turns: [{ calls }, { text: 'sorry' }] });
  assert.deepEqual(
    bodies(played, 'tool-finished').map(({ error }) => error?.code),
    ['mcp_tool_not_found', ...Array.from({ length: 4 }, () => 'tool_arguments_invalid')],
  );
  assert.equal(played.outside.calls.length, 0);
  assert.equal(played.outside.questions.filter(({ action }) => action === 'CallTool').length, 0);
});

test('the model is told that a result was cut', async () => {
  const played = await play({
    turns: [{ calls: [['desk__read', '{}']] }, { text: 'a part of it' }],
    callTool: async () => ({ ...textAnswer('the beginning'), isTruncated: true }),
  });
  const result = played.outside.requests[1]?.messages.at(-1);
  assert.ok(result?.role === 'tool');
  assert.match(result.content, /^the beginning\n\[The result was cut here/);
  assert.equal(bodies(played, 'tool-finished')[0]?.content, 'the beginning');
});

test('a tool that fails is an error for the model, not the end of the run', async () => {
  const played = await play({
    turns: [{ calls: [['desk__read', '{}']] }, { text: 'it failed' }],
    callTool: async () => {
      throw new HostError('mcp_timeout', 'no answer in 5 ms', { facts: { timeout_ms: '5' } });
    },
  });
  const [finished] = bodies(played, 'tool-finished');
  assert.deepEqual([finished?.outcome, finished?.error?.code], ['failed', 'mcp_timeout']);
  assert.equal(played.result.ending.reason, 'completed');
});

for (const [effect, facts, outcome] of [
  ['irreversible', { sent: 'true' }, 'unknown'],
  ['reversible', { sent: 'true' }, 'unknown'],
  ['irreversible', {}, 'failed'],
  ['idempotent', { sent: 'true' }, 'failed'],
  ['none', { sent: 'true' }, 'failed'],
] as const) {
  test(`a call with effect ${effect} that went out ${'sent' in facts ? '' : 'not '}and got no answer is ${outcome}`, async () => {
    const played = await play({
      turns: [{ calls: [['desk__write', '{}']] }, { text: 'hm' }],
      tools: [createTool('desk__write', effect)],
      callTool: async () => {
        throw new HostError('mcp_connection_failed', 'its connection broke', { facts });
      },
    });
    const [finished] = bodies(played, 'tool-finished');
    assert.deepEqual(
      [finished?.outcome, finished?.error?.code],
      [outcome, 'mcp_connection_failed'],
    );
    assert.equal(played.outside.calls.length, 1);
  });
}

for (const [limits, budget] of [
  [{ stepsMax: 1 }, 'steps'],
  [{ toolCallsMax: 1 }, 'tool_calls'],
  [{ tokensMax: 20 }, 'tokens'],
  [{ costMicroUsdMax: 10 }, 'cost'],
] as const) {
  test(`a budget of ${budget} ends the run, with nothing half done`, async () => {
    const played = await play({ turns: [readTwice, { text: 'done' }] }, { limits });
    assert.deepEqual(played.result.ending, { reason: 'budget_exceeded', budget });
    assert.equal(played.outside.calls.length, 0);
  });
}

test('a provider that ignores its bound is cut off, and the run ends by what set the bound', async () => {
  const world: OutsideOptions = { turns: [{ text: 'x'.repeat(10_000), hangs: true }] };
  const asked = await play(world, { sampling: { maxOutputTokens: 10 } });
  const { ending } = asked.result;
  assert.ok(ending.reason === 'failed');
  assert.equal(ending.error.code, 'provider_invalid_response');
  assert.match(ending.error.message, /went on past the length that it was asked for/);
  const poor = await play(world, { limits: { tokensMax: 100 } });
  assert.deepEqual(poor.result.ending, { reason: 'budget_exceeded', budget: 'tokens' });
});

test('usage beyond the whole budget is charged up to it and shown as overrun', async () => {
  const usage = {
    inputTokens: 100,
    outputTokens: 20_000,
    cachedInputTokens: 0,
    reasoningTokens: 0,
  };
  const played = await play({ turns: [{ text: 'hi', usage }] });
  assert.equal(played.result.statistics.tokensOverrun, 20_100 - 10_000);
});

test('cancelling stops the model call and ends the run with the name of who did it', async () => {
  const played = await play({ turns: [{ text: 'begin ', hangs: true }] }, {}, (body, act) =>
    body.type === 'text-delta' ? act.cancel() : undefined,
  );
  assert.deepEqual(played.result.ending, { reason: 'cancelled', by: 'tester' });
  assert.ok(played.result.statistics.outputTokens > 0);
  assert.equal(played.outside.records.at(-1)?.kind, 'run-finished');
});

test('the deadline of a run and the timeout of a model call end it with different reasons', async () => {
  const hanging: OutsideOptions = { turns: [{ text: 'x ', hangs: true }] };
  const wait: React = (body, act) => (body.type === 'text-delta' ? act.pass(30_000) : undefined);
  const late = await play(hanging, { limits: { durationMsMax: 10_000 } }, wait);
  assert.deepEqual(late.result.ending, { reason: 'deadline' });
  const silent = await play(hanging, {}, wait);
  assert.ok(silent.result.ending.reason === 'failed');
  assert.equal(silent.result.ending.error.code, 'provider_timeout');
});

test('a provider error ends the run with the provider’s own words', async () => {
  const error = new HostError('provider_rejected', 'the model is retired', {
    facts: { status: '404' },
  });
  const played = await play({ turns: [{ error }] });
  assert.ok(played.result.ending.reason === 'failed');
  assert.deepEqual(played.result.ending.error, {
    code: 'provider_rejected',
    message: 'the model is retired',
    facts: { status: '404' },
  });
  assert.equal(played.result.statistics.inputTokens, 0);
});

for (const kind of ['decision', 'intent', 'outcome', 'run-finished'] as const) {
  test(`a run whose ${kind} cannot be recorded fails, and an effect needs its intent`, async () => {
    const played = await play({
      turns: [{ calls: [['desk__write', '{}']] }, { text: 'done' }],
      tools: [createTool('desk__write', 'irreversible')],
      unwritable: [kind],
    });
    assert.ok(played.result.ending.reason === 'failed');
    assert.equal(played.result.ending.error.code, 'audit_unavailable');
    const isAfterIntent = kind === 'outcome' || kind === 'run-finished';
    assert.equal(played.outside.calls.length, isAfterIntent ? 1 : 0);
  });
}

test('an answer that misses its schema is sent back once, then the run fails', async () => {
  const answerSchema = { type: 'object' };
  const repaired = await play(
    { turns: [{ text: 'no json' }, { text: '{"a":1}' }] },
    { answerSchema },
  );
  assert.deepEqual(repaired.result.ending, { reason: 'completed', answer: '{"a":1}' });
  const broken = await play({ turns: [{ text: '{"bad":1}' }, { text: 'x' }] }, { answerSchema });
  assert.ok(broken.result.ending.reason === 'failed');
  assert.equal(broken.result.ending.error.code, 'provider_invalid_response');
});

test('a forced tool choice binds the first answer only', async () => {
  const played = await play(
    { turns: [{ calls: [['desk__read', '{}']] }, { text: 'done' }] },
    { toolChoice: { type: 'required' } },
  );
  assert.deepEqual(
    played.outside.requests.map(({ toolChoice }) => toolChoice.type),
    ['required', 'auto'],
  );
});

function denyPath(path: string): (request: PolicyRequest) => GivenDecision {
  return ({ resource }) =>
    resource.type === 'tool' && resource.arguments['path'] === path
      ? { effect: 'deny', reasons: [{ rule: 'test.deny', message: `${path} is off limits` }] }
      : { effect: 'allow', reasons: [] };
}

function hold(request: PolicyRequest): GivenDecision {
  const isOpen = request.action === 'CallTool' && request.context.approval === undefined;
  const reasons = [{ rule: 'test.hold', message: 'ask first' }];
  return isOpen ? { effect: 'hold', reasons } : { effect: 'allow' };
}

test('the arguments that are decided are those that the model wrote, whatever another run wrote before', async () => {
  const argumentsOf = async (text: string): Promise<unknown> => {
    const turns = [{ calls: [['desk__read', text]] }, { text: 'done' }] as const;
    const played = await play({ turns });
    return played.outside.calls[0]?.arguments;
  };
  assert.deepEqual(await argumentsOf(String.raw`{"h":[],"\\":0}`), { h: [], '\\': 0 });
  assert.deepEqual(await argumentsOf(String.raw`{"h":1,"\"":2}`), { h: 1, '"': 2 });
});
