import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createCallGovernor } from '@modelhost/agent-core';
import type { CallGovernor, DirectCall, DirectResults } from '@modelhost/agent-core';
import { HostError } from '@modelhost/kernel';
import type { JsonObject, Obligations } from '@modelhost/kernel';
import { email, secret, secretStart } from './canaries.ts';
import { oblige } from './decision.ts';
import { createOutside, createTool } from './outside.ts';
import type { Outside } from './outside.ts';

const direct: DirectResults<string> = {
  outcomeOf: () => 'ok',
  answerOf: (text) => (text.startsWith('?') ? undefined : { bytes: text.length, text: () => text }),
  map: (text, change) => change.text(text),
};

function open(changes: Partial<Record<'CallTool' | 'AcceptToolResult', Partial<Obligations>>>): {
  readonly outside: Outside;
  readonly governor: CallGovernor;
} {
  const outside = createOutside({
    turns: [],
    always: { secrets: 'token' },
    decide: ({ action }) => {
      const own = action === 'CallTool' || action === 'AcceptToolResult' ? changes[action] : {};
      return { effect: 'allow', obligations: oblige(own ?? {}) };
    },
  });
  return { outside, governor: createCallGovernor({ ...outside.ports, now: () => 1_000 }) };
}

function callOf(values: JsonObject): DirectCall {
  return {
    callId: 'mcp_1',
    principal: { tenant: 'acme', subject: 'ann', roles: [] },
    agent: 'mcp',
    tool: createTool('desk__write', 'irreversible'),
    arguments: values,
  };
}

suite('a direct call', () => {
  test('is decided and made without what is hidden always, and made without what policy hides from the tool', async () => {
    const hidden = { redact: { detectors: { email: 'mask' }, arguments: [] } } as const;
    const { outside, governor } = open({ CallTool: hidden });
    const values = { to: email, token: secret };
    const sent: JsonObject[] = [];
    await governor.govern(
      callOf(values),
      async (permitted) => {
        sent.push(permitted.arguments);
        const { text } = await permitted.told();
        return text(`at ${secret}`);
      },
      direct,
    );
    assert.deepEqual(sent, [{ to: '********', token: '[SECRET]' }]);
    const [asked] = outside.questions;
    assert.deepEqual(asked?.resource.type === 'tool' && asked.resource.arguments, {
      to: email,
      token: '[SECRET]',
    });
    const [, , outcome] = outside.records;
    assert.deepEqual(outcome?.facts['redactions'], { email: 1, secrets: 2 });
  });

  test('without anything to hide is made with the very arguments that were given', async () => {
    const { governor } = open({});
    const values = { body: 'hello' };
    await governor.govern(
      callOf(values),
      async (permitted) => {
        assert.equal(permitted.arguments, values);
        return 'ok';
      },
      direct,
    );
  });

  test('of which nothing is hidden is answered with the very thing that its tool gave back', async () => {
    const { ports } = createOutside({ turns: [] });
    const results: DirectResults<object> = {
      outcomeOf: () => 'ok',
      answerOf: () => ({ bytes: 1, text: () => '' }),
      map: () => assert.fail('nothing is to be changed'),
    };
    const performed = {};
    const governor = createCallGovernor({ ...ports, now: () => 1_000 });
    assert.equal(await governor.govern(callOf({}), async () => performed, results), performed);
  });

  test('is answered without what is hidden, whatever its tool gives back', async () => {
    const { governor } = open({
      AcceptToolResult: { redact: { detectors: { email: 'token' }, arguments: [] } },
    });
    const answer = async (text: string): Promise<string> =>
      governor.govern(callOf({}), async () => text, direct);
    assert.equal(await answer(`${secret} of ${email}`), '[SECRET] of [EMAIL]');
    assert.equal(await answer(`? ${secret}`), '? [SECRET]');
    const error = new HostError('mcp_protocol_error', `bad ${secret}`, {
      facts: { why: secret },
      violations: [{ field: 'a', description: `not ${secret}` }],
    });
    const failing = governor.govern(callOf({}), async () => Promise.reject(error), direct);
    await assert.rejects(failing, (thrown) => {
      assert.ok(thrown instanceof HostError);
      const { message, facts, violations } = thrown;
      assert.deepEqual(facts, { why: '[SECRET]' });
      assert.equal(JSON.stringify([message, violations]).includes(secretStart), false);
      return true;
    });
    const plain = new HostError('mcp_timeout', 'late');
    const late = governor.govern(callOf({}), async () => Promise.reject(plain), direct);
    await assert.rejects(late, (thrown) => thrown === plain);
  });

  test('tells nothing of what its rules hide while it runs, when it fails, or when its tool does not answer', async () => {
    const hidden = { redact: { detectors: { email: 'token' }, arguments: [] } } as const;
    for (const action of ['CallTool', 'AcceptToolResult'] as const) {
      const { outside, governor } = open({ [action]: hidden });
      const told: string[] = [];
      const failing = governor.govern(
        callOf({}),
        async (permitted) => {
          for (const one of ['first', 'second']) {
            const { text } = await permitted.told();
            told.push(text(`${one} ${email}`));
          }
          throw new HostError('mcp_protocol_error', `no ${email} ${secret}`, {
            facts: { why: email },
            violations: [{ field: 'a', description: `not ${email}` }],
          });
        },
        direct,
      );
      await assert.rejects(failing, (thrown) => {
        assert.ok(thrown instanceof HostError);
        const { message, facts, violations } = thrown;
        assert.deepEqual(
          [message, facts['why'], violations[0]?.description],
          ['no [EMAIL] [SECRET]', '[EMAIL]', 'not [EMAIL]'],
        );
        return true;
      });
      assert.deepEqual(told, ['first [EMAIL]', 'second [EMAIL]']);
      // Policy is asked once, as about an answer of nothing.
      const [call, answer, ...others] = outside.questions;
      assert.deepEqual(
        [call?.action, answer?.action, others],
        ['CallTool', 'AcceptToolResult', []],
      );
      assert.deepEqual(answer?.resource.type === 'tool-result' && answer.resource.bytes, 0);
      assert.equal(
        await governor.govern(callOf({}), async () => `? ${email}`, direct),
        '? [EMAIL]',
      );
    }
  });

  test('changes what is told as policy wants it done to results', async () => {
    const { governor } = open({ AcceptToolResult: { transforms: ['strip_invisible'] } });
    const unclear = 'not\u200b clear';
    const failing = governor.govern(
      callOf({}),
      async () => Promise.reject(new HostError('mcp_protocol_error', unclear)),
      direct,
    );
    await assert.rejects(failing, { message: 'not clear' });
  });

  test('that is answered costs no question but its two', async () => {
    const { outside, governor } = open({});
    await governor.govern(callOf({}), async () => 'answer', direct);
    assert.deepEqual(
      outside.questions.map(({ action }) => action),
      ['CallTool', 'AcceptToolResult'],
    );
  });

  test('with a placeholder that was made up is refused before anything happens', async () => {
    const { outside, governor } = open({ CallTool: { reveal: { to: ['email'] } } });
    const forged = governor.govern(
      callOf({ to: '[EMAIL_1:0000]' }),
      async () => assert.fail('it must not be made'),
      direct,
    );
    await assert.rejects(forged, {
      code: 'policy_violation',
      message: /argument to .*never given/,
    });
    assert.deepEqual(
      outside.records.map(({ kind, facts }) => [kind, facts['forgedPlaceholder']]),
      [
        ['decision', undefined],
        ['outcome', 'to'],
      ],
    );
  });
});
