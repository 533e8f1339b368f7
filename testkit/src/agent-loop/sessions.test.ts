import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createMemorySessionStore } from '@modelhost/engine-embedded';
import { HostError, plainLabels } from '@modelhost/kernel';
import type { Message, RunSession, SessionStore, SessionTurn } from '@modelhost/kernel';
import { email } from './canaries.ts';
import { oblige } from './decision.ts';
import { createTool, textAnswer } from './outside.ts';
import type { OutsideOptions } from './outside.ts';
import { assertReplays, bodies, play } from './play.ts';
import type { Played, React } from './play.ts';

const place = { tenant: 'acme', sessionId: 'ses_1' };
const tools = [createTool('desk__read', 'none'), createTool('desk__send', 'irreversible')];

/** A store with a session that the run holds. */
async function openSession(runId = 'run_1'): Promise<SessionStore> {
  const store = createMemorySessionStore();
  const about = { subject: 'user@acme', title: '', metadata: {}, createdAtMs: 0 };
  await store.create({ ...place, ...about });
  await store.hold(place, runId);
  return store;
}

async function turnsOf(store: SessionStore): Promise<readonly SessionTurn[]> {
  return store.turns(place, { afterNumber: 0, limit: 10, bytesMax: 1_000_000 });
}

function session(changes: Partial<RunSession> = {}): RunSession {
  return { sessionId: 'ses_1', rootId: 'ses_1', labels: plainLabels, turn: 1, ...changes };
}

function said(text: string): Message {
  return { role: 'user', content: [{ type: 'text', text }] };
}

async function playInSession(
  store: SessionStore,
  world: OutsideOptions,
  react?: React,
): Promise<Played> {
  return play({ tools, ...world, sessions: store }, { session: session() }, react);
}

suite('a run of a session', () => {
  test('leaves its task, its calls with their answers, and its answer', async () => {
    const store = await openSession();
    const turns = [{ text: 'I look.', calls: [['desk__read', '{}']] }, { text: 'done' }] as const;
    const played = await playInSession(store, { turns });
    const [turn] = await turnsOf(store);
    assert.equal(turn?.reason, 'completed');
    assert.equal(turn.runId, 'run_1');
    assert.deepEqual(turn.statistics.modelCalls, 2);
    assert.deepEqual(turn.labels.sources, ['desk']);
    assert.deepEqual(turn.messages.map(brief), [
      'user: go',
      'assistant: I look. +1',
      'tool: result of desk__read',
      'assistant: done',
    ]);
    // The call keeps its id, so that the answer belongs to it.
    const [, call, answer] = turn.messages;
    assert.ok(call?.role === 'assistant' && answer?.role === 'tool');
    assert.equal(call.toolCalls[0]?.id, answer.toolCallId);
    assert.equal((await store.find(place))?.heldBy, undefined);
    await assertReplays(played);
  });

  test('tells in its turn and on the way how long it has taken', async () => {
    const store = await openSession();
    const world = { turns: [{ text: 'begin ', hangs: true }] };
    const played = await playInSession(store, world, (body, act) =>
      body.type === 'text-delta' ? act.pass(500).then(async () => act.cancel()) : undefined,
    );
    const { statistics } = played.result;
    assert.equal(statistics.durationMs, 500);
    const [turn] = await turnsOf(store);
    assert.deepEqual(turn?.statistics, statistics);
    assert.deepEqual(
      bodies(played, 'usage').map(({ spent }) => spent),
      [statistics],
    );
  });

  test('leaves its calls without what policy hides, and what stands for it can be put back', async () => {
    const store = await openSession();
    const redact = { detectors: { email: 'placeholder' }, arguments: [] } as const;
    const played = await playInSession(store, {
      turns: [{ calls: [['desk__read', JSON.stringify({ path: email })]] }, { text: 'done' }],
      decide: ({ action }) =>
        action === 'EmitOutput'
          ? { effect: 'allow', obligations: oblige({ redact }) }
          : { effect: 'allow' },
      callTool: async () => textAnswer(`it is ${email}`),
    });
    assert.equal(played.outside.calls[0]?.arguments['path'], email);
    const [turn] = await turnsOf(store);
    assert.doesNotMatch(JSON.stringify(turn), /ann\.canary/);
    const [, , answer] = turn?.messages ?? [];
    const placeholder = answer?.role === 'tool' ? answer.content.slice('it is '.length) : '';
    const again = played.outside.ports.redactor.open({ tenant: 'acme', sessionId: 'ses_1' });
    again.adopt(turn?.placeholders ?? null);
    const restored = again.restore({ to: placeholder }, { to: ['email'] });
    assert.deepEqual(restored.type === 'restored' && restored.arguments, { to: email });
    await assertReplays(played);
  });

  test('that is cancelled tells which of its calls may have had an effect', async () => {
    const store = await openSession();
    const read = { calls: [['desk__read', '{}']] } as const;
    const hung = await playInSession(
      store,
      {
        turns: [read, { text: 'now', calls: [['desk__send', '{}']] }],
        callTool: async ({ tool }, signal) =>
          tool === 'desk__read'
            ? { type: 'answer', content: 'text', isError: false, isTruncated: false }
            : new Promise((_resolve, reject) => {
                signal.addEventListener('abort', () => reject(signal.reason));
              }),
      },
      (body, { cancel, settle }) =>
        body.type === 'tool-requested' && body.tool === 'desk__send'
          ? settle().then(cancel)
          : undefined,
    );
    assert.equal(hung.result.ending.reason, 'cancelled');
    const [turn] = await turnsOf(store);
    assert.equal(turn?.reason, 'cancelled');
    assert.deepEqual(turn.messages.map(brief), [
      'user: go',
      'assistant:  +1',
      'tool: text',
      'assistant: now +1',
      'tool: The call was interrupted. Whether it had its effect is unknown; it is not repeated. (failed)',
    ]);
  });

  test('that is cancelled keeps the answers that it had, beside a call that still waited', async () => {
    const store = await openSession();
    const played = await playInSession(
      store,
      {
        turns: [
          {
            calls: [
              ['desk__send', '{}'],
              ['desk__read', '{}'],
            ],
          },
        ],
        decide: ({ resource }) =>
          resource.type === 'tool' && resource.tool.name === 'desk__send'
            ? { effect: 'hold' }
            : { effect: 'allow' },
      },
      (body, { cancel, settle }) =>
        body.type === 'tool-finished' && body.tool === 'desk__read'
          ? settle().then(cancel)
          : undefined,
    );
    assert.equal(played.result.ending.reason, 'cancelled');
    const [turn] = await turnsOf(store);
    assert.deepEqual(turn?.messages.map(brief), [
      'user: go',
      'assistant:  +2',
      'tool: The run was stopped before this call was made; it had no effect. (failed)',
      'tool: result of desk__read',
    ]);
    // Whoever goes on with the session reads it.
    assert.deepEqual(turn.labels.sources, ['desk']);
  });

  test('that is cancelled while its client makes a call does not say that it was not made', async () => {
    const store = await openSession();
    const world = { turns: [{ calls: [['ask_user', '{}']] }], sessions: store } as const;
    const input = { session: session(), clientTools: [createTool('ask_user', 'none')] };
    await play(world, input, (body, { cancel, settle }) =>
      body.type === 'decision' && body.action === 'CallTool' ? settle().then(cancel) : undefined,
    );
    const [turn] = await turnsOf(store);
    assert.deepEqual(turn?.messages.map(brief), [
      'user: go',
      'assistant:  +1',
      'tool: The run was stopped before this call was answered; it may have had its effect. (failed)',
    ]);
  });

  test('that fails before it answers leaves its task alone', async () => {
    const store = await openSession();
    const error = new HostError('provider_rejected', 'no');
    const played = await playInSession(store, { turns: [{ error }] });
    assert.equal(played.result.ending.reason, 'failed');
    const [turn] = await turnsOf(store);
    assert.equal(turn?.reason, 'failed');
    assert.deepEqual(turn.messages.map(brief), ['user: go']);
  });

  test('has failed when its turn cannot be kept', async () => {
    const played = await playInSession(await openSession('run_other'), { turns: [{ text: 'x' }] });
    const { ending } = played.result;
    assert.equal(ending.reason === 'failed' && ending.error.code, 'request_conflict');
    assert.deepEqual(played.outside.records.at(-1)?.facts['reason'], 'failed');
    await assertReplays(played);
  });

  test('that is a fork leaves nothing', async () => {
    const store = await openSession();
    const { turn: _turn, ...forked } = session();
    await play({ turns: [{ text: 'x' }], sessions: store }, { session: forked });
    assert.deepEqual(await turnsOf(store), []);
  });

  test('sees the turns before it under the labels that they had', async () => {
    const history: readonly Message[] = [
      said('earlier'),
      { role: 'assistant', content: 'said before', toolCalls: [] },
    ];
    const clean = await play({ turns: [{ text: 'x' }] }, { history, session: clearOfTurn() });
    assert.equal(clean.outside.questions[0]?.context.labels.integrity, 'trusted');
    const brought = await play({ turns: [{ text: 'x' }] }, { history });
    assert.equal(brought.outside.questions[0]?.context.labels.integrity, 'untrusted');
    const labels = { ...plainLabels, integrity: 'untrusted', sources: ['desk'] } as const;
    const tainted = await play(
      { turns: [{ text: 'x' }] },
      { history, session: { ...clearOfTurn(), labels } },
    );
    assert.deepEqual(tainted.outside.questions[0]?.context.labels, labels);
  });
});

function clearOfTurn(): RunSession {
  const { turn: _turn, ...rest } = session();
  return rest;
}

test('answers that did not fit and what the host said of them are not in the history', async () => {
  const store = await openSession();
  const played = await play(
    { turns: [{ text: 'not JSON' }, { text: '{}' }], sessions: store },
    { session: session(), answerSchema: { type: 'object' } },
  );
  assert.equal(played.result.ending.reason, 'completed');
  const [turn] = await turnsOf(store);
  assert.deepEqual(turn?.messages.map(brief), ['user: go', 'assistant: {}']);
});

function brief(message: Message): string {
  switch (message.role) {
    case 'user': {
      const texts = message.content.map((part) => (part.type === 'text' ? part.text : part.type));
      return `user: ${texts.join(' ')}`;
    }
    case 'assistant': {
      const calls = message.toolCalls.length;
      return `assistant: ${message.content}${calls === 0 ? '' : ` +${calls}`}`;
    }
    case 'tool':
      return `tool: ${message.content}${message.isError ? ' (failed)' : ''}`;
    case 'system':
      return `system: ${message.content}`;
  }
}
