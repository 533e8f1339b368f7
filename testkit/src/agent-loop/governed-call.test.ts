import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createCallGovernor } from '@modelhost/agent-core';
import type { CallGovernor, DirectCall, DirectResults } from '@modelhost/agent-core';
import { HostError, plainLabels } from '@modelhost/kernel';
import { oblige } from './decision.ts';
import { createOutside, createTool } from './outside.ts';
import type { Outside, OutsideOptions } from './outside.ts';

function open(options: Omit<OutsideOptions, 'turns'> = {}): {
  readonly outside: Outside;
  readonly governor: CallGovernor;
} {
  const outside = createOutside({ turns: [], ...options });
  return { outside, governor: createCallGovernor({ ...outside.ports, now: () => 1_000 }) };
}

/** The answer of a tool is its text. */
const direct: DirectResults<string> = {
  outcomeOf: (text) => text,
  answerOf: (text) => ({
    bytes: Buffer.byteLength(text),
    text: () => text,
  }),
  map: (text, change) => change.text(text),
};

function callOf(effect: 'none' | 'irreversible'): DirectCall {
  return {
    callId: 'mcp_1',
    principal: { tenant: 'acme', subject: 'ann', roles: [] },
    agent: 'mcp',
    tool: createTool('desk__write', effect),
    arguments: { secret: 'canary-4711' },
  };
}

suite('direct calls', () => {
  test('decision and intent are on record before an effect, the outcome before the answer', async () => {
    const { outside, governor } = open();
    const kinds = (): readonly string[] => outside.records.map(({ kind }) => kind);
    const answer = await governor.govern(
      callOf('irreversible'),
      async () => {
        assert.deepEqual(kinds(), ['decision', 'intent']);
        return 'done';
      },
      direct,
    );
    assert.equal(answer, 'done');
    assert.deepEqual(kinds(), ['decision', 'intent', 'outcome']);
    assert.deepEqual(
      outside.records.map(({ tenant, runId, actor, facts }) => [
        tenant,
        runId,
        actor,
        facts['tool'],
      ]),
      Array.from({ length: 3 }, () => ['acme', 'mcp_1', 'ann', 'desk__write']),
    );
    assert.equal(outside.records[2]?.facts['outcome'], 'done');
    assert.doesNotMatch(JSON.stringify(outside.records), /canary-4711/);
    assert.deepEqual(outside.questions[0]?.resource, {
      type: 'tool',
      tool: createTool('desk__write', 'irreversible'),
      arguments: { secret: 'canary-4711' },
    });
  });

  test('what changes nothing is on its way before anything is sealed', async () => {
    const { outside } = open();
    const order: string[] = [];
    const { keys } = outside.ports;
    const seal: typeof keys.seal = (text, context) => {
      order.push('sealed');
      return keys.seal(text, context);
    };
    const ports = { ...outside.ports, keys: { ...keys, seal }, now: () => 1_000 };
    const perform = async (): Promise<string> => {
      order.push('performed');
      return 'done';
    };
    await createCallGovernor(ports).govern(callOf('none'), perform, direct);
    await createCallGovernor(ports).govern(callOf('irreversible'), perform, direct);
    assert.deepEqual(order, ['performed', 'sealed', 'sealed', 'performed']);
  });

  test('only what says that something changes nothing waits for the record of another', async () => {
    const { outside } = open();
    const riding: (readonly [string, boolean])[] = [];
    const { audit } = outside.ports;
    const append: typeof audit.append = async (record, options) => {
      riding.push([record.kind, options?.mayRide === true]);
      return audit.append(record, options);
    };
    const ports = { ...outside.ports, audit: { ...audit, append }, now: () => 1_000 };
    const governor = createCallGovernor(ports);
    await governor.govern(callOf('none'), async () => 'done', direct);
    await governor.govern(callOf('irreversible'), async () => 'done', direct);
    assert.deepEqual(riding, [
      ...(['decision', 'intent'] as const).map((kind) => [kind, true]),
      ['outcome', false],
      ...(['decision', 'intent', 'outcome'] as const).map((kind) => [kind, false]),
    ]);
  });

  for (const effect of ['deny', 'hold'] as const) {
    test(`a call that policy answers with ${effect} is on record and never performed`, async () => {
      const { outside, governor } = open({
        decide: () => ({
          effect,
          reasons: [{ rule: 'test.rule', message: 'not today' }],
        }),
      });
      const call = governor.govern(callOf('none'), () => assert.fail('it was performed'), direct);
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof HostError);
        assert.equal(error.code, 'policy_violation');
        assert.match(error.message, /not today \(test\.rule\)/);
        assert.equal(error.facts['rule'], 'test.rule');
        return true;
      });
      assert.deepEqual(
        outside.records.map(({ kind, facts }) => [kind, facts['effect']]),
        [['decision', effect]],
      );
    });
  }

  test('without a durable intent nothing with an effect is performed', async () => {
    const { governor } = open({ unwritable: ['intent'] });
    const call = governor.govern(callOf('irreversible'), () => assert.fail('performed'), direct);
    await assert.rejects(call, { code: 'audit_unavailable' });
  });

  test('an answer whose record cannot be written is not given', async () => {
    for (const kind of ['intent', 'outcome'] as const) {
      const { governor } = open({ unwritable: [kind] });
      const call = governor.govern(callOf('none'), async () => 'secret', direct);
      await assert.rejects(call, { code: 'audit_unavailable' });
    }
  });

  test('a failure is on record with its code, as unknown when the call went out', async () => {
    const { outside, governor } = open();
    for (const facts of [{ sent: 'true' }, {}]) {
      const failure = new HostError('mcp_timeout', 'too late', { facts });
      const call = governor.govern(callOf('none'), () => Promise.reject(failure), direct);
      await assert.rejects(call, failure);
    }
    const outcomes = outside.records.filter(({ kind }) => kind === 'outcome');
    assert.deepEqual(
      outcomes.map(({ facts }) => [facts['outcome'], facts['code']]),
      [
        ['unknown', 'mcp_timeout'],
        ['failed', 'mcp_timeout'],
      ],
    );
  });

  test('say who asks, what was called before, and nothing that is not known', async () => {
    const { outside, governor } = open();
    await governor.govern(callOf('none'), async () => 'done', direct);
    await governor.govern(callOf('none'), async () => 'done', direct);
    const calls = outside.questions.filter(({ action }) => action === 'CallTool');
    assert.deepEqual(
      calls.map(({ isDelegated, context }) => [
        isDelegated,
        context.labels,
        context.evidence,
        context.history.callsLastDay,
        context.history.callsOfTool,
      ]),
      [
        [false, plainLabels, undefined, 0, 0],
        [false, plainLabels, undefined, 1, 0],
      ],
    );
  });

  test('that are denied cost nothing, and parallel ones are counted in order', async () => {
    const { governor, outside } = open({
      decide: ({ action, context }) => ({
        effect: action === 'CallTool' && context.history.callsLastHour >= 3 ? 'deny' : 'allow',
      }),
    });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, async () =>
        governor.govern(callOf('irreversible'), async () => 'done', direct),
      ),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3);
    const last = outside.questions.findLast(({ action }) => action === 'CallTool');
    assert.equal(last?.context.history.callsLastHour, 3);
  });

  test('keep the limits of policy: the time that a call has is told to whoever performs it', async () => {
    const { governor } = open({
      decide: () => ({
        effect: 'allow',
        obligations: oblige({ limits: { timeoutMsMax: 70, resultBytesMax: 4 } }),
      }),
    });
    const given = await governor.govern(
      callOf('none'),
      async ({ limits }) => String(limits.timeoutMsMax),
      direct,
    );
    assert.equal(given, '70');
    const long = governor.govern(callOf('none'), async () => 'xxxxx', direct);
    await assert.rejects(long, { code: 'policy_violation' });
  });

  for (const effect of ['deny', 'hold'] as const) {
    test(`are not given an answer that policy answers with ${effect}, after the effect and on record`, async () => {
      const reasons = [{ rule: 'test.rule', message: 'not for you' }];
      const { outside, governor } = open({
        decide: ({ action }) =>
          action === 'AcceptToolResult' ? { effect, reasons } : { effect: 'allow' },
      });
      const call = governor.govern(callOf('irreversible'), async () => 'canary-12', direct);
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof HostError);
        assert.equal(error.code, 'policy_violation');
        assert.match(error.message, /was called, but its result is withheld: .*not for you/);
        assert.doesNotMatch(error.message, /canary/);
        return true;
      });
      assert.deepEqual(
        outside.records.map(({ kind, facts }) => [kind, facts['outcome'] ?? facts['action']]),
        [
          ['decision', 'CallTool'],
          ['intent', undefined],
          ['outcome', 'withheld'],
          ['decision', 'AcceptToolResult'],
        ],
      );
      const asked = outside.questions.at(-1);
      assert.equal(asked?.context.labels.integrity, 'untrusted');
      assert.partialDeepStrictEqual(asked?.resource, { type: 'tool-result', bytes: 9 });
    });
  }

  test('are told nothing of an error, progress or an unanswered outcome that policy withholds', async () => {
    const reasons = [{ rule: 'test.rule', message: 'not for you' }];
    const { outside, governor } = open({
      decide: ({ action }) =>
        action === 'AcceptToolResult' ? { effect: 'deny', reasons } : { effect: 'allow' },
    });
    const failing = governor.govern(
      callOf('irreversible'),
      async ({ told }) => {
        await assert.rejects(told(), { code: 'policy_violation' });
        const facts = { sent: 'true', why: 'canary-13' };
        throw new HostError('mcp_timeout', 'canary-13', { facts, retryAfterMs: 5 });
      },
      direct,
    );
    await assert.rejects(failing, (error) => {
      assert.ok(error instanceof HostError);
      assert.equal(error.code, 'mcp_timeout');
      assert.equal(error.retryAfterMs, 5);
      assert.match(error.message, /has not answered, .* is withheld: .*not for you/);
      assert.doesNotMatch(JSON.stringify(error.facts), /canary/);
      return true;
    });
    const unanswered = { ...direct, answerOf: () => undefined };
    await assert.rejects(
      governor.govern(callOf('irreversible'), async () => 'canary-13', unanswered),
      { code: 'policy_violation' },
    );
    const outcomes = outside.records.filter(({ kind }) => kind === 'outcome');
    assert.deepEqual(
      outcomes.map(({ facts }) => [facts['outcome'], facts['code']]),
      [
        ['unknown', 'mcp_timeout'],
        ['withheld', 'policy_violation'],
      ],
    );
  });

  test('are given answers as policy wants them, and sealed on record where it wants that', async () => {
    const { outside, governor } = open({
      decide: ({ action }) => ({
        effect: 'allow',
        ...(action === 'AcceptToolResult'
          ? { obligations: oblige({ transforms: ['strip_links'], audit: 'full' }) }
          : {}),
      }),
    });
    const given = await governor.govern(
      callOf('none'),
      async () => 'go [there](https://evil.example)',
      { ...direct, outcomeOf: () => 'answered' },
    );
    assert.equal(given, 'go there');
    const outcome = outside.records.find(({ kind }) => kind === 'outcome');
    assert.notEqual(outcome?.facts['sealedResult'], undefined);
    assert.doesNotMatch(JSON.stringify(outside.records), /evil/);
  });

  test('that no tool has answered are asked about as an answer of nothing, for what they say instead, and not on record', async () => {
    const { outside, governor } = open();
    const results: DirectResults<string> = { ...direct, answerOf: () => undefined };
    await governor.govern(callOf('none'), async () => 'input-required', results);
    assert.deepEqual(
      outside.questions.map(({ action, resource }) => [
        action,
        'bytes' in resource && resource.bytes,
      ]),
      [
        ['CallTool', false],
        ['AcceptToolResult', 0],
      ],
    );
    assert.deepEqual(
      outside.records.map(({ kind }) => kind),
      ['decision', 'intent', 'outcome'],
    );
  });
});
