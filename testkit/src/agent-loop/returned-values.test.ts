import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createJsonSchemas } from '@modelhost/json-schema';
import { HostError } from '@modelhost/kernel';
import type { JsonObject, PolicyRequest } from '@modelhost/kernel';
import { email } from './canaries.ts';
import { oblige } from './decision.ts';
import type { GivenDecision } from './decision.ts';
import { createOutside, createTool, textAnswer } from './outside.ts';
import type { OutsideOptions } from './outside.ts';
import { assertReplays, bodies, play } from './play.ts';
import type { Played, React } from './play.ts';

const placeholders = { redact: { detectors: { email: 'placeholder' }, arguments: [] } } as const;
const other = email.replace('@', '-other@');

/** Addresses are hidden from models, tools get them, and nothing is hidden always. */
function decide({ action }: PolicyRequest): GivenDecision {
  if (action === 'UseModel') return { effect: 'allow', obligations: oblige(placeholders) };
  if (action !== 'CallTool') return { effect: 'allow' };
  return { effect: 'allow', obligations: oblige({ reveal: { to: ['email'] } }) };
}

async function send(
  callTool: OutsideOptions['callTool'] & {},
  world: Partial<OutsideOptions> = {},
  react?: React,
): Promise<Played> {
  const session = createOutside({ turns: [] }).ports.redactor.open({
    tenant: 'acme',
    sessionId: 'run_1',
  });
  const step = session.step();
  const to = step.redact(email, { email: 'placeholder' });
  const input = [{ type: 'text', text: `Write to ${to}.` }] as const;
  const given = { input, placeholders: step.state() };
  const turns = [{ calls: [['desk__send', JSON.stringify({ to })]] }, { text: 'done' }] as const;
  const tools = [createTool('desk__send', 'idempotent')];
  const schemas = createJsonSchemas();
  const played = await play({ turns, tools, schemas, decide, callTool, ...world }, given, react);
  assert.equal(played.outside.calls[0]?.arguments['to'], email);
  await assertReplays(played);
  return played;
}

function kept({ events, journal, outside, result }: Played): string {
  return JSON.stringify([events, [...journal], outside.requests, outside.records, result]);
}

const ask =
  (params: JsonObject): OutsideOptions['callTool'] & {} =>
  async ({ resume }) =>
    resume === undefined
      ? {
          type: 'input-required',
          state: 's',
          requests: { q: { method: 'elicitation/create', params } },
        }
      : textAnswer('ok');
const cancel: React = (body, act) =>
  body.type === 'input-requested'
    ? act.signal(`tool-input/${body.inputId}`, {
        type: 'tool-input',
        by: 'ann',
        action: 'cancel',
        content: {},
      })
    : undefined;

suite('a value that was revealed to a tool does not come back', () => {
  test('in an error, nor does one like it', async () => {
    const played = await send(async () => {
      const message = `error -32000: 550 no such user ${email}, try ${other}`;
      throw new HostError('mcp_protocol_error', message, { facts: { said: email } });
    });
    assert.doesNotMatch(kept(played), /ann\.canary/);
    assert.match(bodies(played, 'tool-finished')[0]?.content ?? '', /no such user \[EMAIL_1:/);
  });

  test('in progress, however it is written', async () => {
    const played = await send(async (_invocation, _signal, onProgress) => {
      onProgress({ progress: 1, total: 3, message: `to ${email}` });
      onProgress({ progress: 2, total: 3, message: encodeURIComponent(email) });
      onProgress({ progress: 3, total: 3, message: `${'w '.repeat(245)}${email}` });
      return textAnswer('sent');
    });
    const told = bodies(played, 'tool-progress').map(({ message }) => message);
    assert.equal(told.length, 3);
    assert.match(told[0] ?? '', /^to \[EMAIL_1:/);
    assert.doesNotMatch(kept(played), /ann\.canary/);
  });

  test('in a question to a person', async () => {
    const requestedSchema = { type: 'object', properties: { a: { type: 'string', title: email } } };
    const played = await send(ask({ message: `Is ${email} right?`, requestedSchema }), {}, cancel);
    assert.match(bodies(played, 'input-requested')[0]?.message ?? '', /^Is \[EMAIL_1:/);
    assert.doesNotMatch(kept(played), /ann\.canary/);
  });

  test('in an answer, however it is written', async () => {
    const escaped = email.replace('@', String.raw`\u0040`);
    const played = await send(async () => textAnswer(`{"to":"${escaped}"} ${email} ${other}`));
    assert.doesNotMatch(kept(played), /ann\.canary/);
  });
});

test('what policy hides in results is hidden in errors and progress, too', async () => {
  const played = await play({
    turns: [{ calls: [['desk__send', '{}']] }, { text: 'done' }],
    tools: [createTool('desk__send', 'idempotent')],
    decide: ({ action }) =>
      action === 'AcceptToolResult'
        ? { effect: 'allow', obligations: oblige(placeholders) }
        : { effect: 'allow' },
    callTool: async (_invocation, _signal, onProgress) => {
      onProgress({ progress: 1, total: undefined, message: email });
      throw new HostError('mcp_protocol_error', `no user ${email}`);
    },
  });
  assert.doesNotMatch(kept(played), /ann\.canary/);
  await assertReplays(played);
});

test('a question whose fields have names that are hidden is not asked', async () => {
  const requestedSchema = { type: 'object', properties: { [email]: { type: 'string' } } };
  const played = await send(ask({ message: 'Who?', requestedSchema }), {}, cancel);
  assert.deepEqual(bodies(played, 'input-requested'), []);
  assert.deepEqual(played.outside.abandoned, ['s']);
  assert.doesNotMatch(kept(played), /ann\.canary/);
});

suite('what a transform puts together', () => {
  const transforms = ['strip_markup', 'strip_invisible'] as const;
  const world = {
    tools: [createTool('desk__read', 'none')],
    turns: [{ calls: [['desk__read', '{}']] }, { text: 'done' }],
    always: { email: 'token' },
    decide: ({ action }: PolicyRequest): GivenDecision =>
      action === 'AcceptToolResult'
        ? { effect: 'allow', obligations: oblige({ transforms }) }
        : { effect: 'allow' },
  } as const;

  for (const given of ['[EMAIL<b></b>_1:7f3a]', '[EM\ufe0fAIL_1:7f3a]']) {
    test(`is no placeholder, such as ${given}`, async () => {
      const played = await play({ ...world, callTool: async () => textAnswer(given) });
      assert.equal(bodies(played, 'tool-finished')[0]?.content, '(EMAIL_1:7f3a]');
    });
  }

  test('is hidden where it is a value', async () => {
    const given = email.replace('@', '<b></b>@');
    const played = await play({ ...world, callTool: async () => textAnswer(given) });
    assert.equal(bodies(played, 'tool-finished')[0]?.content, '[EMAIL]');
  });
});

const anybody = { approvers: [], quorum: 1, isSelfApprovalAllowed: true } as const;

for (const action of ['EmitOutput', 'UseModel'] as const) {
  test(`what policy hides at ${action} is hidden where calls are told of`, async () => {
    const escaped = email.replace('@', String.raw`\u0040`);
    const given = JSON.stringify({ to: email });
    const played = await play(
      {
        turns: [
          { calls: [['desk__send', given]] },
          { calls: [['desk__send', `{"to":"${escaped}"}`]] },
          { calls: [['desk__send', `{"to":"${escaped}"`]] },
          { text: 'done' },
        ],
        tools: [createTool('desk__send', 'idempotent')],
        decide: (request) => {
          if (request.action === action) {
            return { effect: 'allow', obligations: oblige(placeholders) };
          }
          const isHeld = request.action === 'CallTool' && request.context.approval === undefined;
          return isHeld ? { effect: 'hold', gates: [anybody] } : { effect: 'allow' };
        },
        callTool: async () => textAnswer(`sent to ${email}`),
      },
      {},
      (body, act) =>
        body.type === 'approval-requested'
          ? act.signal(`approval/${body.approvalId}/1`, {
              type: 'approval',
              approved: true,
              by: 'ann',
              roles: [],
              comment: '',
            })
          : undefined,
    );
    assert.doesNotMatch(JSON.stringify(played.events), /ann\.canary/);
    assert.doesNotMatch(JSON.stringify(played.events), /u0040/);
    assert.deepEqual(
      bodies(played, 'approval-requested').map(({ arguments: shown }) => shown),
      ['{"to":"[EMAIL]"}', '{"to":"[EMAIL]"}'],
    );
    const contents = bodies(played, 'tool-finished').map(({ content }) => content);
    assert.equal(contents.filter((content) => content === 'sent to [EMAIL]').length, 2);
    assert.deepEqual(
      played.outside.calls.map(({ arguments: { to } }) => to),
      [email, email],
    );
    await assertReplays(played);
  });
}
