import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { HostError } from '@modelhost/kernel';
import type { PolicyAction, Obligations, RedactionStyles } from '@modelhost/kernel';
import { email, piecesOf, secret, secretStart } from './canaries.ts';
import { oblige } from './decision.ts';
import { createTool, textAnswer } from './outside.ts';
import type { OutsideOptions } from './outside.ts';
import { assertReplays, bodies, play } from './play.ts';
import type { Played } from './play.ts';

type Decide = NonNullable<OutsideOptions['decide']>;

const always: RedactionStyles = { secrets: 'token' };
const said = `The key is ${secret}, keep it.`;
const shown = 'The key is [SECRET], keep it.';

function obliging(at: PolicyAction, changes: Partial<Obligations>): Decide {
  return ({ action }) => ({
    effect: 'allow',
    ...(action === at ? { obligations: oblige(changes) } : {}),
  });
}

function hiding(detectors: RedactionStyles): Partial<Obligations> {
  return { redact: { detectors, arguments: [] } };
}

/** All that leaves the loop or is kept of it, but for what is sealed. */
function toldOf({ events, journal, outside, result }: Played): string {
  const { requests, records } = outside;
  return JSON.stringify([events, [...journal], requests, records, result]);
}

function streamed(played: Played, type: 'text-delta' | 'reasoning-delta'): string {
  return bodies(played, type)
    .map(({ text }) => text)
    .join('');
}

function lastMessage({ outside }: Played, request = 1): string {
  const message = outside.requests[request]?.messages.at(-1);
  return typeof message?.content === 'string' ? message.content : '';
}

suite('what a model says', () => {
  test('is hidden however it is cut, and is one text for followers, journal, result and the next request', async () => {
    for (const length of [1, 2, 3, 7, said.length]) {
      const played = await play({
        turns: [
          { pieces: piecesOf('text-delta', said, length), calls: [['desk__read', '{}']] },
          { pieces: piecesOf('text-delta', said, length) },
        ],
        always,
      });
      assert.equal(streamed(played, 'text-delta'), shown + shown);
      assert.deepEqual(played.result.ending, { reason: 'completed', answer: shown });
      const message = played.outside.requests[1]?.messages.at(-2);
      assert.equal(message?.content, shown);
      assert.equal(toldOf(played).includes(secretStart), false);
      await assertReplays(played);
    }
  });

  test('is the same text that redacting the whole gives, whatever it is', async () => {
    const text = fc.array(
      fc.constantFrom(secret, email, 'word', ' ', '\n', 'é', '😀', '4111 1111 1111 1111', '{"a":"'),
    );
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (parts, length) => {
        const whole = parts.join('');
        const styles: RedactionStyles = { secrets: 'token', email: 'mask', card: 'drop' };
        const played = await play({
          turns: [{ pieces: piecesOf('text-delta', whole, length) }],
          always: styles,
        });
        const { redactor } = played.outside.ports;
        const expected = redactor.open({ tenant: 'acme', sessionId: 's' }).step().redact(whole, {});
        assert.equal(streamed(played, 'text-delta'), expected);
        assert.deepEqual(played.result.ending, { reason: 'completed', answer: expected });
      }),
      { numRuns: 60 },
    );
  });

  test('is hidden in its reasoning, too', async () => {
    const played = await play({
      turns: [{ pieces: piecesOf('reasoning-delta', said, 4), text: 'done' }],
      always,
    });
    assert.equal(streamed(played, 'reasoning-delta'), shown);
    await assertReplays(played);
  });

  test('is hidden as policy wants its output, and what policy takes out of it first hides nothing', async () => {
    const linked = `Ask [ann.canary](https://x.example)@example.org, or ${email}.`;
    const played = await play({
      turns: [{ pieces: piecesOf('text-delta', linked, 5) }],
      decide: obliging('EmitOutput', { ...hiding({ email: 'mask' }), transforms: ['strip_links'] }),
    });
    assert.equal(streamed(played, 'text-delta'), 'Ask ********, or ********.');
    await assertReplays(played);
  });

  test('and was broken off loses what may be half a value', async () => {
    const half = piecesOf('text-delta', `Fine. The key is ${secret.slice(0, 30)}`, 4);
    const broken = [
      await play({
        turns: [{ pieces: half, error: new HostError('provider_timeout', 'late') }],
        always,
      }),
      await play({ turns: [{ pieces: half, finishReason: 'length' }], always }),
      await play({ turns: [{ pieces: half, hangs: true }], always }, {}, (body, act) =>
        body.type === 'text-delta' ? act.cancel() : undefined,
      ),
    ];
    const reasons = broken.map(({ result }) => result.ending.reason);
    assert.deepEqual(reasons, ['failed', 'completed', 'cancelled']);
    for (const played of broken) {
      assert.match(streamed(played, 'text-delta'), /^Fine\. /);
      assert.equal(toldOf(played).includes(secretStart), false);
      await assertReplays(played).catch(() =>
        assert.equal(played.result.ending.reason, 'cancelled'),
      );
    }
  });

  test('in the arguments of a call is hidden before anybody decides, and they stay JSON', async () => {
    const calls = [
      `{"path": "a"}`,
      JSON.stringify({ token: secret, note: ['x', secret] }),
      `{"path":"${secret}","path":"a"}`,
      `{"path": "${secret}`,
    ].map((text) => ['desk__read', text] as const);
    const played = await play(
      { turns: [{ calls }, { text: 'done' }], always },
      { agentChanges: { toolCallsInFlightMax: 1 } },
    );
    const asked = bodies(played, 'tool-requested').map(({ arguments: text }) => text);
    assert.deepEqual(asked, [
      '{"path": "a"}',
      '{"token":"[SECRET]","note":["x","[SECRET]"]}',
      '{"path":"a"}',
      '{"path": "[SECRET]',
    ]);
    assert.deepEqual(
      played.outside.calls.map(({ arguments: values }) => values),
      [{ path: 'a' }, { token: '[SECRET]', note: ['x', '[SECRET]'] }, { path: 'a' }],
    );
    assert.equal(toldOf(played).includes(secretStart), false);
    assert.equal(JSON.stringify(played.outside.questions).includes(secretStart), false);
    await assertReplays(played);
  });
});

suite('what comes from outside', () => {
  test('in a result is hidden for the model, for followers and in the journal, and counted', async () => {
    const played = await play({
      turns: [{ calls: [['desk__read', '{}']] }, { text: 'done' }],
      callTool: async () => textAnswer(`${secret} and ${email}`),
      always,
      decide: obliging('AcceptToolResult', hiding({ email: 'mask' })),
    });
    assert.equal(bodies(played, 'tool-finished')[0]?.content, '[SECRET] and ********');
    assert.equal(lastMessage(played), '[SECRET] and ********');
    assert.doesNotMatch(toldOf(played), /ann\.canary|ghp_k3/);
    const facts = played.outside.records.map(({ kind, facts: { redactions } }) => [
      kind,
      redactions,
    ]);
    assert.deepEqual(
      facts.filter(([, redactions]) => redactions !== undefined),
      [
        ['outcome', { email: 1, secrets: 1 }],
        ['run-finished', { email: 1, secrets: 1 }],
      ],
    );
    await assertReplays(played);
  });

  test('in an error of a provider or of a tool is hidden, in its facts too', async () => {
    const error = new HostError('mcp_protocol_error', `bad ${secret}`, { facts: { why: secret } });
    const failing = await play({
      turns: [{ calls: [['desk__read', '{}']] }, { error }],
      callTool: async () => Promise.reject(error),
      always,
    });
    assert.match(lastMessage(failing), /bad \[SECRET\]/);
    assert.equal(bodies(failing, 'tool-finished')[0]?.error?.facts['why'], '[SECRET]');
    const { ending } = failing.result;
    assert.deepEqual(ending.reason === 'failed' && ending.error, {
      code: 'mcp_protocol_error',
      message: 'bad [SECRET]',
      facts: { why: '[SECRET]' },
    });
    assert.equal(toldOf(failing).includes(secretStart), false);
  });

  test('in progress, in a question and in what a person answers is hidden', async () => {
    const played = await play(
      {
        turns: [{ calls: [['desk__read', '{}']] }, { text: 'done' }],
        callTool: async ({ resume }, _signal, onProgress) => {
          if (resume !== undefined) return textAnswer('thanks');
          onProgress({ progress: 1, total: undefined, message: `at ${secret}` });
          const properties = { key: { type: 'string', description: `not ${secret}` } };
          const requestedSchema = { type: 'object', properties };
          const params = { message: `Is it ${secret}?`, requestedSchema };
          const request = { method: 'elicitation/create', params } as const;
          return { type: 'input-required', state: 's', requests: { ask: request } };
        },
        always,
      },
      {},
      (body, act) =>
        body.type === 'input-requested'
          ? act.signal(`tool-input/${body.inputId}`, {
              type: 'tool-input',
              action: 'accept',
              content: { key: secret },
              by: 'ann',
            })
          : undefined,
    );
    assert.equal(bodies(played, 'tool-progress')[0]?.message, 'at [SECRET]');
    const [question] = bodies(played, 'input-requested');
    assert.equal(question?.message, 'Is it [SECRET]?');
    assert.match(JSON.stringify(question?.schema), /not \[SECRET\]/);
    assert.deepEqual(played.outside.calls[1]?.resume?.answers, {
      ask: { action: 'accept', content: { key: '[SECRET]' } },
    });
    // What people send is kept by the engine as the edge gave it.
    const kept = [...played.journal].filter(([name]) => !name.startsWith('tool-input/'));
    assert.equal(JSON.stringify([played.events, kept]).includes(secretStart), false);
  });

  test('as the comment of an approval, or as the result of a tool of the caller, is hidden', async () => {
    const ask = createTool('ask_user', 'none');
    const played = await play(
      {
        turns: [
          {
            calls: [
              ['ask_user', '{}'],
              ['desk__read', '{}'],
            ],
          },
          { text: 'done' },
        ],
        decide: ({ action, resource, context }) =>
          action === 'CallTool' &&
          resource.type === 'tool' &&
          resource.tool.executor === 'host' &&
          context.approval === undefined
            ? { effect: 'hold' }
            : { effect: 'allow' },
        always,
      },
      { clientTools: [ask] },
      (body, act) => {
        if (body.type === 'approval-requested') {
          return act.signal(`approval/${body.approvalId}/1`, {
            type: 'approval',
            approved: true,
            by: 'lea',
            roles: [],
            comment: `ok, with ${secret}`,
          });
        }
        if (body.type !== 'decision' || body.resource !== ask.name) return undefined;
        const content = `it is ${secret}`;
        return act.signal(`tool-result/${body.callId}`, {
          type: 'tool-result',
          content,
          isError: false,
        });
      },
    );
    assert.equal(bodies(played, 'approval-resolved')[0]?.comment, 'ok, with [SECRET]');
    assert.deepEqual(
      bodies(played, 'tool-finished')
        .map(({ content }) => content)
        .sort(),
      ['it is [SECRET]', 'result of desk__read'],
    );
    const kept = [...played.journal].filter(([name]) => !/^(?:approval|tool-result)\//.test(name));
    assert.equal(JSON.stringify([played.events, kept]).includes(secretStart), false);
  });
});

suite('what a model is sent', () => {
  const input = [{ type: 'text', text: `Write to ${email}` }] as const;

  test('is hidden as policy wants it for the model, once for each message', async () => {
    const played = await play(
      {
        turns: [
          { calls: [['desk__read', '{}']] },
          { calls: [['desk__read', '{}']] },
          { text: 'done' },
        ],
        callTool: async () => textAnswer(`from ${email}`),
        decide: obliging('UseModel', hiding({ email: 'token' })),
      },
      { input, agentChanges: { instructions: `You work for ${email}.` } },
    );
    const [, second, third] = played.outside.requests;
    assert.doesNotMatch(JSON.stringify(played.outside.requests), /canary/);
    assert.equal(second?.messages.length, 4);
    for (const [at, message] of second?.messages.entries() ?? []) {
      assert.equal(third?.messages[at], message);
    }
    assert.equal(bodies(played, 'tool-finished')[0]?.content, 'from [EMAIL]');
    await assertReplays(played);
  });

  test('is the very conversation where nothing is hidden', async () => {
    const played = await play({ turns: [{ text: 'done' }] }, { input });
    assert.equal(played.outside.requests[0]?.messages.at(-1)?.content, input);
  });
});
