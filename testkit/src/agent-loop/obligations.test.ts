import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { AuditRecord, Obligations, PolicyAction } from '@modelhost/kernel';
import { oblige } from './decision.ts';
import type { GivenDecision } from './decision.ts';
import { createTool, textAnswer } from './outside.ts';
import type { OutsideOptions } from './outside.ts';
import { assertReplays, bodies, play } from './play.ts';
import type { Played } from './play.ts';

type Decide = NonNullable<OutsideOptions['decide']>;

const readOnce = { calls: [['desk__read', '{"path":"a"}']] } as const;
const link = 'see [this](https://evil.example/?q=secret) now';

/** Allows everything, and obliges to something at one action. */
function obliging(at: PolicyAction, changes: Partial<Obligations>): Decide {
  return ({ action }) => ({
    effect: 'allow',
    ...(action === at ? { obligations: oblige(changes) } : {}),
  });
}

function answering(at: PolicyAction, given: GivenDecision): Decide {
  return ({ action }) => (action === at ? given : { effect: 'allow' });
}

function finishedOf(played: Played) {
  return bodies(played, 'tool-finished')[0];
}

function recordsOf(played: Played, kind: AuditRecord['kind'], action?: string) {
  return played.outside.records.filter(
    (record) => record.kind === kind && (action === undefined || record.facts['action'] === action),
  );
}

suite('the result of a tool', () => {
  for (const effect of ['deny', 'hold'] as const) {
    test(`that policy answers with ${effect} is withheld: the model learns so, and the record too`, async () => {
      const played = await play({
        turns: [readOnce, { text: 'I saw nothing.' }],
        callTool: async () => textAnswer('canary-8'),
        decide: answering('AcceptToolResult', { effect, reasons: [{ rule: 'r', message: 'no' }] }),
      });
      const finished = finishedOf(played);
      assert.equal(finished?.outcome, 'withheld');
      assert.match(finished?.content ?? '', /withheld by policy: .*no \(r\)/);
      assert.equal(finished?.error?.code, 'policy_violation');
      assert.equal(finished?.labels.integrity, 'trusted');
      const told = JSON.stringify([played.events, played.outside.requests]);
      assert.doesNotMatch(told, /canary-8/);
      assert.doesNotMatch(JSON.stringify([...played.journal]), /canary-8/);
      assert.equal(recordsOf(played, 'outcome')[0]?.facts['outcome'], 'withheld');
      assert.equal(recordsOf(played, 'decision', 'AcceptToolResult').length, 1);
      assert.equal(played.result.ending.reason, 'completed');
      await assertReplays(played);
    });
  }

  test('is withheld also where it is an error, its progress, or a question', async () => {
    const reasons = [{ rule: 'r', message: 'no' }];
    const canary = 'canary-9';
    const params = { message: canary, requestedSchema: { type: 'object', properties: {} } };
    const request = { method: 'elicitation/create', params } as const;
    const asking = { type: 'input-required', state: 's', requests: { ask: request } } as const;
    const failing = async (): Promise<never> => {
      throw new HostError('mcp_protocol_error', canary);
    };
    for (const end of [failing, async () => asking]) {
      const played = await play({
        turns: [readOnce, { text: 'I saw nothing.' }],
        callTool: async (_call, _signal, onProgress) => {
          onProgress({ progress: 1, total: undefined, message: canary });
          return end();
        },
        decide: answering('AcceptToolResult', { effect: 'deny', reasons }),
      });
      const finished = finishedOf(played);
      assert.equal(finished?.outcome, 'failed');
      assert.match(finished.error?.message ?? '', /has not answered, .* is withheld: .*no \(r\)/);
      const { events, outside, journal } = played;
      assert.doesNotMatch(JSON.stringify([events, outside.requests, [...journal]]), /canary-9/);
      assert.equal(bodies(played, 'tool-progress')[0]?.message, '');
      await assertReplays(played);
    }
  });

  test('that is plainly allowed leaves no record of its own', async () => {
    const played = await play({ turns: [readOnce, { text: 'done' }] });
    assert.deepEqual(recordsOf(played, 'decision', 'AcceptToolResult'), []);
    assert.deepEqual(recordsOf(played, 'decision', 'EmitOutput'), []);
    const [asked] = played.outside.questions.filter(({ action }) => action === 'AcceptToolResult');
    assert.partialDeepStrictEqual(asked?.resource, { type: 'tool-result', bytes: 20 });
  });

  test('is changed as policy wants before anybody sees it', async () => {
    const played = await play({
      turns: [readOnce, { text: 'done' }],
      callTool: async () => textAnswer(link),
      decide: obliging('AcceptToolResult', { transforms: ['strip_links'] }),
    });
    assert.equal(finishedOf(played)?.content, 'see this now');
    const message = played.outside.requests[1]?.messages.at(-1);
    assert.equal(message?.role === 'tool' ? message.content : '', 'see this now');
    assert.equal(recordsOf(played, 'decision', 'AcceptToolResult').length, 1);
    await assertReplays(played);
  });

  test('is cut to the bytes that the call may bring in, and said to be', async () => {
    const played = await play({
      turns: [readOnce, { text: 'done' }],
      callTool: async () => textAnswer('zwölf Äpfel'),
      decide: obliging('CallTool', { limits: { resultBytesMax: 3 } }),
    });
    assert.deepEqual([finishedOf(played)?.content, finishedOf(played)?.isTruncated], ['zw', true]);
  });

  test('of a client is asked about as well', async () => {
    const played = await play(
      {
        turns: [{ calls: [['ask_user', '{}']] }, { text: 'done' }],
        decide: answering('AcceptToolResult', { effect: 'deny' }),
      },
      { clientTools: [createTool('ask_user', 'none')] },
      (body, act) =>
        body.type === 'decision' && body.resource === 'ask_user' && body.action === 'CallTool'
          ? act.signal(`tool-result/${body.callId}`, {
              type: 'tool-result',
              content: 'canary-9',
              isError: false,
            })
          : undefined,
    );
    assert.equal(finishedOf(played)?.outcome, 'withheld');
    assert.doesNotMatch(JSON.stringify(played.outside.requests), /canary-9/);
  });

  test('joins the record sealed where policy wants it full, and only up to a size', async () => {
    for (const at of ['CallTool', 'AcceptToolResult'] as const) {
      for (const [size, isSealed] of [
        [64 * 1024, true],
        [64 * 1024 + 1, false],
      ] as const) {
        const played = await play({
          turns: [readOnce, { text: 'done' }],
          callTool: async () => textAnswer('x'.repeat(size)),
          decide: obliging(at, { audit: 'full' }),
        });
        const record =
          at === 'CallTool'
            ? recordsOf(played, 'outcome')[0]
            : recordsOf(played, 'decision', 'AcceptToolResult')[0];
        assert.equal(record?.facts['sealedResult'] !== null, isSealed);
        assert.notEqual(record?.facts['resultCommit'], undefined);
      }
    }
  });

  test('whose decision cannot be put on record ends the run', async () => {
    const played = await play({
      turns: [readOnce, { text: 'done' }],
      decide: answering('AcceptToolResult', { effect: 'deny' }),
      unwritable: ['outcome'],
    });
    assert.ok(played.result.ending.reason === 'failed');
    assert.equal(played.result.ending.error.code, 'audit_unavailable');
  });
});

suite('a call', () => {
  test('has the time that policy gives it, if that is less', async () => {
    for (const [timeoutMsMax, expected] of [
      [70, 70],
      [70_000, 5_000],
    ] as const) {
      const played = await play({
        turns: [readOnce, { text: 'done' }],
        decide: obliging('CallTool', { limits: { timeoutMsMax } }),
      });
      assert.equal(played.outside.calls[0]?.timeoutMs, expected);
    }
  });

  test('is on record with what decided it, what that demands and who is to be told', async () => {
    const played = await play({
      turns: [readOnce, { text: 'done' }],
      decide: ({ action }) => ({
        effect: 'allow',
        bundles: ['base@3'],
        ...(action === 'CallTool'
          ? {
              obligations: oblige({
                notify: ['security'],
                redact: { detectors: {}, arguments: ['path'] },
              }),
            }
          : {}),
      }),
    });
    const [decided] = recordsOf(played, 'decision', 'CallTool');
    assert.deepEqual(decided?.facts['bundles'], ['base@3']);
    assert.partialDeepStrictEqual(decided?.facts['obligations'], {
      notify: ['security'],
      hiddenArguments: ['path'],
    });
    // Arguments that policy hides are on record by the keyed digest alone.
    assert.equal(recordsOf(played, 'intent')[0]?.facts['sealedArguments'], null);
    const [event] = bodies(played, 'decision').filter(({ action }) => action === 'CallTool');
    assert.deepEqual(event?.obligations.notify, ['security']);
  });

  test('of a tool that policy does not show is one of a tool that is not there', async () => {
    const played = await play({
      turns: [readOnce, { text: 'done' }],
      tools: [createTool('desk__read', 'none'), createTool('desk__note', 'none')],
      visible: async ({ isDelegated, agent }, listed) => {
        assert.deepEqual([isDelegated, agent], [true, 'tester']);
        return listed.filter(({ name }) => name !== 'desk__read');
      },
    });
    assert.deepEqual(
      played.outside.requests[0]?.tools.map(({ name }) => name),
      ['desk__note'],
    );
    assert.equal(finishedOf(played)?.error?.code, 'mcp_tool_not_found');
    assert.equal(played.outside.calls.length, 0);
    await assertReplays(played);
  });
});

suite('reading on in a result', () => {
  const cut = { ...textAnswer('begin\n[more: result://1f0a]'), isTruncated: true };
  const world = (decide?: Decide): OutsideOptions => ({
    turns: [
      readOnce,
      { calls: [['read_result', '{"handle":"result://1f0a","offset":5}']] },
      { text: 'done' },
    ],
    callTool: async () => cut,
    readResult: () => textAnswer(link),
    ...(decide === undefined ? {} : { decide }),
  });

  test('is asked about as the tool’s own answer, with its labels', async () => {
    const played = await play(world());
    const asked = played.outside.questions.filter(({ action }) => action === 'AcceptToolResult');
    assert.deepEqual(
      asked.map(({ resource }) => (resource.type === 'tool-result' ? resource.tool.name : '')),
      ['desk__read', 'desk__read'],
    );
    assert.deepEqual(
      bodies(played, 'tool-finished').map(({ labels }) => labels.sources),
      [['desk'], ['desk']],
    );
    await assertReplays(played);
  });

  test('is not taken for the answer of another tool that ends with the same handle', async () => {
    const secret = { ...createTool('vault__read', 'none'), server: 'vault' };
    const played = await play(
      {
        turns: [
          { calls: [['vault__read', '{}']] },
          readOnce,
          { calls: [['read_result', '{"handle":"result://1f0a"}']] },
          { text: 'done' },
        ],
        tools: [secret, createTool('desk__read', 'none')],
        callTool: async () => cut,
        readResult: () => textAnswer('more'),
      },
      { agentChanges: { tools: ['vault__*', 'desk__*'] } },
    );
    assert.deepEqual(bodies(played, 'tool-finished')[2]?.labels.sources, ['vault']);
  });

  test('is no way around what policy wants changed or withheld', async () => {
    const stripped = await play(
      world(obliging('AcceptToolResult', { transforms: ['strip_links'] })),
    );
    assert.equal(bodies(stripped, 'tool-finished')[1]?.content, 'see this now');
    let results = 0;
    const withheld = await play(
      world(({ action }) => {
        if (action === 'AcceptToolResult') results += 1;
        return { effect: results === 2 && action === 'AcceptToolResult' ? 'deny' : 'allow' };
      }),
    );
    assert.equal(bodies(withheld, 'tool-finished')[1]?.outcome, 'withheld');
  });
});

suite('what a run shows', () => {
  const answer = [{ text: `${link} and so on` }] as const;

  test('is asked about once, before its first delta', async () => {
    const played = await play({ turns: answer });
    const asked = played.outside.questions.filter(({ action }) => action === 'EmitOutput');
    assert.deepEqual(
      asked.map(({ resource }) => resource),
      [{ type: 'output' }],
    );
    const silent = await play({ turns: [{ calls: [] }] });
    assert.ok(silent.outside.questions.every(({ action }) => action !== 'EmitOutput'));
  });

  test('is nothing at all where policy does not allow it, and the run ends denied', async () => {
    for (const turns of [
      [{ reasoning: 'canary-1', text: 'canary-2', hangs: true }],
      [{ text: 'canary-3', ...readOnce }],
    ]) {
      const reasons = [{ rule: 'test.mute', message: 'say nothing' }];
      const played = await play({
        turns,
        decide: answering('EmitOutput', { effect: 'deny', reasons }),
      });
      assert.deepEqual(played.result.ending, {
        reason: 'denied',
        message: 'say nothing (test.mute)',
      });
      assert.doesNotMatch(JSON.stringify([played.events, [...played.journal]]), /canary/);
      assert.equal(bodies(played, 'step-finished')[0]?.finishReason, 'withheld');
      // The model was asked, so its input is paid for.
      assert.ok(played.result.statistics.inputTokens > 0);
      assert.equal(recordsOf(played, 'decision', 'EmitOutput').length, 1);
      assert.equal(played.outside.calls.length, 0);
      await assertReplays(played);
    }
  });

  test('is held back until it is whole where policy wants it changed', async () => {
    const played = await play({
      turns: answer,
      decide: obliging('EmitOutput', { transforms: ['strip_links'] }),
    });
    assert.deepEqual(
      bodies(played, 'text-delta').map(({ text }) => text),
      ['see this now and so on'],
    );
    assert.deepEqual(played.result.ending, {
      reason: 'completed',
      answer: 'see this now and so on',
    });
    await assertReplays(played);
  });

  test('is sealed on record where policy wants it full', async () => {
    for (const at of ['UseModel', 'EmitOutput'] as const) {
      const played = await play({
        turns: [{ text: 'canary-5' }],
        decide: obliging(at, { audit: 'full' }),
      });
      const [outcome] = recordsOf(played, 'outcome');
      assert.notEqual(outcome?.facts['sealedResult'], undefined);
      assert.doesNotMatch(JSON.stringify(played.outside.records), /canary-5/);
    }
  });

  test('is no longer than policy lets it be, and that says nothing of the budget', async () => {
    const usage = {
      inputTokens: 5,
      outputTokens: 7,
      cachedInputTokens: 0,
      reasoningTokens: 0,
    };
    const played = await play(
      {
        turns: [{ text: 'short', finishReason: 'length', usage }],
        decide: obliging('UseModel', { limits: { maxOutputTokens: 7 } }),
      },
      { limits: { tokensMax: 1_000 } },
    );
    assert.equal(played.outside.requests[0]?.maxOutputTokens, 7);
    assert.deepEqual(played.result.ending, { reason: 'completed', answer: 'short' });
  });

  test('needs a model: one that is held names what would lift it', async () => {
    const played = await play({
      turns: answer,
      decide: answering('UseModel', {
        effect: 'hold',
        remedies: ['choose_other_model'],
        gates: [],
        reasons: [{ rule: 'eu', message: 'only models in the EU' }],
      }),
    });
    assert.deepEqual(played.result.ending, {
      reason: 'denied',
      message: 'it needs choose_other_model (only models in the EU (eu))',
    });
  });
});
