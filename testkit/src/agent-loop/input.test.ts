import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createJsonSchemas } from '@modelhost/json-schema';
import type { Json, JsonObject, SignalPayload, ToolInvocation, ToolReply } from '@modelhost/kernel';
import { createTool, textAnswer } from './outside.ts';
import type { OutsideOptions } from './outside.ts';
import { assertReplays, bodies, play } from './play.ts';
import type { React } from './play.ts';

type InputRequired = Extract<ToolReply, { type: 'input-required' }>;

const nameForm = {
  message: 'Who are you?',
  requestedSchema: {
    type: 'object',
    properties: { name: { type: 'string', minLength: 2 } },
    required: ['name'],
  },
};

function asking(params: JsonObject, state = 's1'): ToolReply {
  return {
    type: 'input-required',
    state,
    requests: { who: { method: 'elicitation/create', params } },
  };
}

function worldOf(
  callTool: OutsideOptions['callTool'] & {},
  effect: 'none' | 'irreversible' = 'irreversible',
): OutsideOptions {
  return {
    turns: [{ calls: [['desk__write', '{"text":"x"}']] }, { text: 'done' }],
    tools: [createTool('desk__write', effect)],
    schemas: createJsonSchemas(),
    callTool,
  };
}

/** A tool that asks with the params once, and then says what it was told. */
function askOnce(params: JsonObject): OutsideOptions['callTool'] & {} {
  return async ({ resume }) =>
    resume === undefined ? asking(params) : textAnswer(JSON.stringify(resume.answers));
}

function answerWith(
  payload: Omit<Extract<SignalPayload, { type: 'tool-input' }>, 'type' | 'by'>,
): React {
  return (body, act) =>
    body.type === 'input-requested'
      ? act.signal(`tool-input/${body.inputId}`, { type: 'tool-input', by: 'ann', ...payload })
      : undefined;
}

const ann = { action: 'accept', content: { name: 'Ann' } } as const;

suite('input that a tool asks for', () => {
  test('a person answers over two rounds, and the call goes on as the same call', async () => {
    const seen: ToolInvocation['resume'][] = [];
    const keys = new Set<string>();
    const played = await play(
      worldOf(async ({ resume, idempotencyKey }) => {
        seen.push(resume);
        keys.add(idempotencyKey);
        if (resume === undefined) return asking(nameForm, 's1');
        if (resume.state === 's1') return asking({ ...nameForm, message: 'And again?' }, 's2');
        return textAnswer('written');
      }),
      {},
      answerWith(ann),
    );
    assert.deepEqual(seen, [
      undefined,
      { state: 's1', answers: { who: ann } },
      { state: 's2', answers: { who: ann } },
    ]);
    assert.equal(keys.size, 3);
    const asked = bodies(played, 'input-requested');
    assert.deepEqual(
      asked.map(({ message, tool }) => [message, tool]),
      [
        ['Who are you?', 'desk__write'],
        ['And again?', 'desk__write'],
      ],
    );
    assert.equal(new Set(asked.map(({ inputId }) => inputId)).size, 2);
    for (const { inputId } of asked) assert.match(inputId, /^inp_[0-9a-f]{26}$/);
    assert.deepEqual(
      bodies(played, 'input-resolved').map(({ inputId, action, by }) => [inputId, action, by]),
      asked.map(({ inputId }) => [inputId, 'accept', 'ann']),
    );
    assert.equal(bodies(played, 'tool-finished')[0]?.outcome, 'ok');
    assert.equal(played.result.statistics.toolCalls, 1);
    await assertReplays(played);
  });

  test('that it was answered is on record before the tool learns it, and the content nowhere', async () => {
    const kinds: (readonly string[])[] = [];
    let recorded: () => readonly string[] = () => [];
    const played = await play(
      worldOf(async ({ resume }) => {
        kinds.push(recorded());
        return resume === undefined ? asking(nameForm) : textAnswer('written');
      }),
      {},
      (body, act) => {
        recorded = act.recorded;
        return answerWith({ action: 'accept', content: { name: 'canary-7' } })(body, act);
      },
    );
    assert.deepEqual(kinds[1], ['decision', 'decision', 'intent', 'tool-input']);
    const record = played.outside.records.find(({ kind }) => kind === 'tool-input');
    assert.equal(record?.actor, 'ann');
    assert.deepEqual([record?.facts['action'], record?.facts['mode']], ['accept', 'form']);
    assert.ok(!JSON.stringify(played.outside.records).includes('canary-7'));
    assert.ok(!JSON.stringify(played.events).includes('canary-7'));
    const kindsInEnd = played.outside.records.map(({ kind }) => kind);
    assert.equal(kindsInEnd.filter((kind) => kind === 'outcome').length, 1);
    assert.equal(kindsInEnd.filter((kind) => kind === 'intent').length, 1);
  });

  for (const action of ['decline', 'cancel'] as const) {
    test(`a ${action} reaches the tool without content, and the tool says what follows`, async () => {
      const played = await play(
        worldOf(askOnce(nameForm)),
        {},
        answerWith({ action, content: { name: 'Ann' } }),
      );
      assert.equal(bodies(played, 'tool-finished')[0]?.content, `{"who":{"action":"${action}"}}`);
      await assertReplays(played);
    });
  }

  test('nobody answers in time: the tool is told that it was cancelled', async () => {
    const played = await play(worldOf(askOnce(nameForm)), {}, (body, act) =>
      body.type === 'input-requested' ? act.pass(30_000) : undefined,
    );
    const [resolved] = bodies(played, 'input-resolved');
    assert.deepEqual([resolved?.action, resolved?.by], ['cancel', 'timeout']);
    assert.equal(bodies(played, 'tool-finished')[0]?.content, '{"who":{"action":"cancel"}}');
    await assertReplays(played);
  });

  test('content that does not fit what was asked never reaches the tool', async () => {
    for (const content of [{}, { name: 7 }, { name: 'A' }, { name: 'Ann', more: 1 }] as const) {
      const played = await play(
        worldOf(askOnce(nameForm)),
        {},
        answerWith({ action: 'accept', content }),
      );
      assert.equal(bodies(played, 'input-resolved')[0]?.action, 'cancel');
      assert.equal(bodies(played, 'tool-finished')[0]?.content, '{"who":{"action":"cancel"}}');
    }
  });

  test('a run that is cancelled while it waits ends so, and the outcome of the call is on record', async () => {
    for (const [effect, outcome] of [
      ['none', 'cancelled'],
      ['irreversible', 'unknown'],
    ] as const) {
      const played = await play(worldOf(askOnce(nameForm), effect), {}, (body, act) =>
        body.type === 'input-requested' ? act.cancel() : undefined,
      );
      assert.deepEqual(played.result.ending, { reason: 'cancelled', by: 'tester' });
      assert.equal(played.outside.calls.length, 1);
      const records = played.outside.records.filter(({ kind }) => kind === 'outcome');
      assert.deepEqual(
        records.map(({ facts }) => facts['outcome']),
        [outcome],
      );
      // The tool learns that nobody will answer it.
      assert.deepEqual(played.outside.abandoned, ['s1']);
    }
  });

  test('a call whose intent cannot be put on record is given up when it asks', async () => {
    const world = { ...worldOf(askOnce(nameForm), 'none'), unwritable: ['intent'] as const };
    const played = await play(world);
    assert.deepEqual(bodies(played, 'input-requested'), []);
    assert.equal(played.result.ending.reason, 'failed');
    assert.deepEqual(played.outside.abandoned, ['s1']);
  });

  test('what is awaited can be seen, with the schema that an answer must fit', async () => {
    let waiting: Json = null;
    await play(worldOf(askOnce(nameForm)), {}, (body, act) => {
      if (body.type !== 'input-requested') return answerWith(ann)(body, act);
      return (async () => {
        // What is awaited is JSON.
        waiting = (await act.waitingFor()) as unknown as Json;
        await answerWith(ann)(body, act);
      })();
    });
    assert.partialDeepStrictEqual(waiting, [
      { approvers: [], accepts: { required: ['name'], additionalProperties: false } },
    ]);
  });

  test('a person is sent to a URL that hides nothing, and the tool learns only that they agreed', async () => {
    const url = 'https://pay.example/cards?x=1';
    const played = await play(
      worldOf(askOnce({ mode: 'url', message: 'Give a card', url, elicitationId: 'e1' })),
      {},
      answerWith({ action: 'accept', content: { card: '4711' } }),
    );
    const [asked] = bodies(played, 'input-requested');
    assert.deepEqual([asked?.url, asked?.schema], [url, undefined]);
    assert.equal(bodies(played, 'tool-finished')[0]?.content, '{"who":{"action":"accept"}}');
    await assertReplays(played);
  });

  test('a call that asks for more than a form, an address or eight rounds fails and is not asked', async () => {
    const wrong: readonly JsonObject[] = [
      {},
      { message: 'x' },
      { message: 'x', requestedSchema: { type: 'array' } },
      { message: 'x', requestedSchema: { type: 'object', properties: { a: { type: 'object' } } } },
      {
        message: 'x',
        requestedSchema: { type: 'object', properties: { 'a\u200Bb': { type: 'string' } } },
      },
      { message: 'x', requestedSchema: { ...nameForm.requestedSchema, required: ['mail'] } },
      { message: 'x', mode: 'url', url: 'http://far.example/' },
      { message: 'x', mode: 'url', url: 'https://user:secret@far.example/' },
      { message: 'x', mode: 'url', url: 'javascript:alert(1)' },
      { message: 'x', mode: 'telepathy' },
      { message: 'x', requestedSchema: { type: 'object', properties: manyChoices } },
    ];
    for (const params of wrong) {
      const played = await play(worldOf(askOnce(params)));
      const [finished] = bodies(played, 'tool-finished');
      assert.deepEqual(
        [finished?.outcome, finished?.error?.code],
        ['failed', 'mcp_protocol_error'],
      );
      assert.equal(bodies(played, 'input-requested').length, 0);
      assert.deepEqual(played.outside.abandoned, ['s1']);
      assert.equal(played.outside.records.filter(({ kind }) => kind === 'outcome').length, 1);
    }
  });

  test('rounds and requests are bounded', async () => {
    const endless = await play(
      worldOf(async () => asking(nameForm)),
      {},
      answerWith(ann),
    );
    assert.equal(endless.outside.calls.length, 9);
    assert.equal(bodies(endless, 'input-requested').length, 8);
    assert.match(bodies(endless, 'tool-finished')[0]?.error?.message ?? '', /more than 8 times/);
    assert.deepEqual(endless.outside.abandoned, ['s1']);
    await assertReplays(endless);
    const form = { method: 'elicitation/create', params: nameForm } as const;
    const greedyRequests: readonly InputRequired['requests'][] = [
      Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`k${index}`, form])),
      { ['k'.repeat(300)]: form },
      { deep: { ...form, params: nest(40) } },
      { long: { ...form, params: { message: 'x'.repeat(2 * 1_024 * 1_024) } } },
    ];
    for (const requests of greedyRequests) {
      const greedy = await play(
        worldOf(async () => ({ type: 'input-required', state: 'greedy', requests })),
      );
      assert.equal(bodies(greedy, 'tool-finished')[0]?.error?.code, 'mcp_protocol_error');
      assert.equal(greedy.outside.calls.length, 1);
      assert.deepEqual(greedy.outside.abandoned, ['greedy']);
    }
  });

  test('several requests of one round are asked one after the other, in the order of their keys', async () => {
    const request = (message: string) =>
      ({ method: 'elicitation/create', params: { ...nameForm, message } }) as const;
    const played = await play(
      worldOf(async ({ resume }) =>
        resume === undefined
          ? {
              type: 'input-required',
              state: '',
              requests: { b: request('two'), a: request('one') },
            }
          : textAnswer(Object.keys(resume.answers).join(' ')),
      ),
      {},
      answerWith(ann),
    );
    assert.deepEqual(
      played.events.flatMap(({ body }) =>
        body.type === 'input-requested'
          ? [body.message]
          : body.type === 'input-resolved'
            ? ['-']
            : [],
      ),
      ['one', '-', 'two', '-'],
    );
    assert.equal(bodies(played, 'tool-finished')[0]?.content, 'a b');
    await assertReplays(played);
  });

  test('a message is shown without what is invisible, and cut', async () => {
    const message = `Name\u200B\u{E0041}\u202E?\u001B[2J${'x'.repeat(5_000)}`;
    const played = await play(worldOf(askOnce({ ...nameForm, message })), {}, answerWith(ann));
    const shown = bodies(played, 'input-requested')[0]?.message ?? '';
    assert.ok(shown.startsWith('Name?xxx') && shown.endsWith('x…'));
    assert.equal(shown.length, 2_000);
  });

  test('a form presets only what can be chosen, and its schema allows nothing but its fields', async () => {
    const choices = { type: 'string', enum: ['yes', 'no'] };
    const properties = {
      sure: { ...choices, default: 'yes' },
      again: { ...choices, default: 'all of it' },
      which: { type: 'array', items: choices, default: ['no', 'all of it'] },
    };
    const requestedSchema = { type: 'object', properties };
    const played = await play(
      worldOf(askOnce({ message: 'Go on?', requestedSchema })),
      {},
      answerWith({ action: 'decline', content: {} }),
    );
    assert.deepEqual(bodies(played, 'input-requested')[0]?.schema, {
      type: 'object',
      properties: {
        sure: properties.sure,
        again: choices,
        which: { type: 'array', items: choices },
      },
      required: [],
      additionalProperties: false,
    });
    await assertReplays(played);
  });

  test('an answer that cannot be put on record ends the run, and the tool is not told', async () => {
    const played = await play(
      { ...worldOf(askOnce(nameForm)), unwritable: ['tool-input'] },
      {},
      answerWith(ann),
    );
    assert.ok(played.result.ending.reason === 'failed');
    assert.equal(played.result.ending.error.code, 'audit_unavailable');
    assert.equal(played.outside.calls.length, 1);
  });
});

/** Each field is within its bounds, but the whole is more than any schema may be. */
const manyChoices: JsonObject = Object.fromEntries(
  Array.from({ length: 30 }, (_, field) => [
    `field-${field}`,
    {
      type: 'string',
      enum: Array.from({ length: 150 }, (_item, index) => `${index}-${'x'.repeat(100)}`),
    },
  ]),
);

function nest(depth: number): JsonObject {
  return depth === 0 ? {} : { in: nest(depth - 1) };
}
