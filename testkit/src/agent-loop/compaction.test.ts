import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { AuditRecord, Message, ModelRequest, RunInput } from '@modelhost/kernel';
import {
  done,
  endingOf,
  full,
  isSummaryRequest,
  page,
  playLong,
  read,
  route,
  summary,
  textOf,
} from './long-run.ts';
import { textAnswer } from './outside.ts';
import type { ModelTurn, OutsideOptions } from './outside.ts';
import { assertReplays, bodies } from './play.ts';
import type { Played } from './play.ts';

/** Every call of a request has all its results right behind it, and no result is without its call. */
function assertPaired({ messages }: ModelRequest): void {
  let waiting = new Set<string>();
  for (const message of messages) {
    if (message.role === 'tool') {
      assert.ok(waiting.delete(message.toolCallId), 'a result without its call');
      continue;
    }
    assert.equal(waiting.size, 0, 'a call without its result');
    waiting =
      message.role === 'assistant' ? new Set(message.toolCalls.map(({ id }) => id)) : waiting;
  }
  assert.equal(waiting.size, 0);
}

suite('a conversation that grows too long', () => {
  test('ends a run that may not compact it', async () => {
    const played = await playLong(
      { turns: [...full, read, read, done] },
      { agentChanges: { route } },
    );
    assert.equal(endingOf(played), 'validation_failed');
    assert.deepEqual(bodies(played, 'context-compacted'), []);
  });

  test('goes on with a summary, within the window, every call with its result', async () => {
    const turns = [...full, summary, read, read, read, done];
    const played = await playLong({ turns });
    assert.equal(endingOf(played), 'completed');
    const { requests } = played.outside;
    for (const request of requests) assertPaired(request);
    assert.deepEqual(requests.map(isSummaryRequest).indexOf(true), 6);
    const [compacted, ...more] = bodies(played, 'context-compacted');
    assert.deepEqual(more, []);
    assert.equal(compacted?.method, 'summary');
    assert.equal(compacted.messagesBefore, 14);
    assert.ok(compacted.messagesAfter < 10 && compacted.tokensAfter < compacted.tokensBefore / 2);
    const next = requests[7]?.messages ?? [];
    // The newest words of the user stay the last that are his.
    const [instructions, standIn, task] = next.map(textOf);
    assert.deepEqual([instructions, task], ['Do what the task says.', 'go']);
    assert.match(
      standIn ?? '',
      /not the user's words.*desk__read \(\d\)\.\]\nSeven pages were read/,
    );
    assert.equal(next.length, compacted.messagesAfter);
    await assertReplays(played);
  });

  test('shows nothing of a summary, which is on record and paid for', async () => {
    const usage = { inputTokens: 100, outputTokens: 10, cachedInputTokens: 0, reasoningTokens: 0 };
    const turns = [...full, { ...summary, usage }, done];
    const played = await playLong({ turns });
    assert.deepEqual(
      bodies(played, 'text-delta').map(({ text }) => text),
      ['done'],
    );
    const told = played.events.filter(({ step }) => step === 'turn-7/compact');
    assert.deepEqual(
      told.map(({ body }) => body.type),
      ['step-started', 'decision', 'usage', 'step-finished', 'context-compacted'],
    );
    assert.equal(played.result.statistics.modelCalls, 8);
    const decided = played.outside.records.filter(({ step }) => step === 'turn-7/compact');
    assert.deepEqual(
      decided.map(({ kind, facts }) => [kind, facts['action'], facts['purpose']]),
      [['decision', 'UseModel', 'compaction']],
    );
    const asked = played.outside.questions.filter(({ action }) => action === 'EmitOutput');
    // Once for each of the other answers.
    assert.equal(asked.length, 7);
  });

  test('offers the tools to the summary, but lets none be called', async () => {
    const turns = [...full, { ...summary, calls: [['desk__send', '{}']] as const }, done];
    const played = await playLong({ turns });
    const { requests, calls } = played.outside;
    const asked = requests.find(isSummaryRequest);
    assert.deepEqual(asked?.toolChoice, { type: 'none' });
    assert.deepEqual(asked.tools, requests[0]?.tools);
    assert.ok(calls.every(({ tool }) => tool === 'desk__read'));
    assert.equal(bodies(played, 'context-compacted')[0]?.method, 'cut');
  });

  test('is compacted again when it grows again, the summary with it', async () => {
    const later = { text: 'All of the pages were read.' };
    const turns = [...full, summary, read, read, read, read, later, done];
    const played = await playLong({ turns });
    assert.equal(endingOf(played), 'completed');
    assert.equal(bodies(played, 'context-compacted').length, 2);
    const [, again] = played.outside.requests.filter(isSummaryRequest);
    assert.ok(again?.messages.some((message) => textOf(message).includes('Seven pages')));
    const last = played.outside.requests.at(-1)?.messages.map(textOf) ?? [];
    assert.equal(last.filter((text) => text.includes('by a summary of it')).length, 1);
    await assertReplays(played);
  });

  test('keeps the newest words of the user, and summarizes a history that is too long for one request', async () => {
    const history = Array.from({ length: 20 }, (_, index): readonly Message[] => [
      { role: 'user', content: [{ type: 'text', text: `question ${index}` }] },
      { role: 'assistant', content: `answer ${index} ${page}`, toolCalls: [] },
    ]).flat();
    const played = await playLong({ turns: [summary, done] }, { history });
    assert.equal(endingOf(played), 'completed');
    const [asked, next] = played.outside.requests.map(({ messages }) => messages.map(textOf));
    assert.equal(asked?.[0], 'Do what the task says.');
    assert.ok(asked.every((text) => !text.startsWith('question 3')));
    assert.match(next?.[1] ?? '', /Its oldest part did not fit/);
    assert.equal(next?.at(-1), 'go');
    await assertReplays(played);
  });
});

suite('where no summary can be had', () => {
  async function assertCut(world: OutsideOptions, changes?: Partial<RunInput>): Promise<Played> {
    const played = await playLong(world, changes);
    assert.equal(endingOf(played), 'completed');
    assert.equal(bodies(played, 'context-compacted')[0]?.method, 'cut');
    const next = played.outside.requests.at(-1);
    assert.ok(next !== undefined);
    assertPaired(next);
    assert.ok(next.messages.some((message) => textOf(message).includes('has left out the older')));
    await assertReplays(played);
    return played;
  }

  test('a denied one leaves a note', async () => {
    let models = 0;
    await assertCut({
      turns: [...full, done],
      decide: ({ action }) => {
        if (action === 'UseModel') models += 1;
        return { effect: action === 'UseModel' && models === 7 ? 'deny' : 'allow' };
      },
    });
  });

  test('the note tells what was called in all that was left out, so that nothing is done twice unawares', async () => {
    const send: ModelTurn = { calls: [['desk__send', '{}']] };
    const error = new HostError('provider_unavailable', 'no');
    const turns = [send, ...full.slice(1), { error }, read, read, read, read, { error }, done];
    const played = await assertCut({ turns });
    assert.equal(bodies(played, 'context-compacted').length, 2);
    const notes = played.outside.requests
      .at(-1)
      ?.messages.map(textOf)
      .filter((text) => text.startsWith('[The host'));
    assert.equal(notes?.length, 1);
    assert.match(notes[0] ?? '', /: desk__send \(1\), desk__read \(\d\)\.\]$/);
  });

  test('one that fails, is refused, is empty or is no shorter leaves a note', async () => {
    const error = new HostError('provider_unavailable', 'no');
    const useless: readonly ModelTurn[] = [
      { error },
      { text: 'No.', finishReason: 'refusal' },
      { text: ' ' },
      { text: page.repeat(7) },
    ];
    for (const turn of useless) await assertCut({ turns: [...full, turn, done] });
  });

  test('a budget that has no room for it and the turn after it goes to the turn', async () => {
    const spent = (await playLong({ turns: [...full, summary, done] })).result.statistics;
    const limits = { tokensMax: spent.inputTokens + spent.outputTokens - 1_000 };
    const played = await playLong({ turns: [...full, done] }, { limits });
    assert.equal(endingOf(played), 'completed');
    assert.ok(!played.outside.requests.some(isSummaryRequest));
    assert.equal(bodies(played, 'context-compacted')[0]?.method, 'cut');
  });

  test('a run ends when even its newest turn does not fit', async () => {
    const played = await playLong({
      turns: [read, done],
      callTool: async () => textAnswer(page.repeat(9)),
    });
    assert.equal(endingOf(played), 'validation_failed');
  });

  test('a run ends when the decision on it cannot be put on record', async () => {
    const unwritable: AuditRecord['kind'][] = [];
    let models = 0;
    const played = await playLong({
      turns: [...full, summary, done],
      unwritable,
      decide: ({ action }) => {
        if (action === 'UseModel') models += 1;
        if (models === 7) unwritable.push('decision');
        return { effect: 'allow' };
      },
    });
    assert.ok(played.outside.requests.some(isSummaryRequest));
    assert.equal(endingOf(played), 'audit_unavailable');
  });

  test('a run that is cancelled meanwhile ends as cancelled', async () => {
    let models = 0;
    const turns = [...full, { hangs: true }];
    const played = await playLong({ turns }, {}, (body, { settle, cancel }) => {
      if (body.type !== 'step-started' || body.kind !== 'model') return undefined;
      models += 1;
      return models === 7 ? settle().then(cancel) : undefined;
    });
    assert.equal(endingOf(played), 'cancelled');
  });
});

suite('a provider that says that a request is too long', () => {
  const facts = { provider: 'fake', reason: 'context_length' };
  const error = new HostError('provider_rejected', 'fake: too long', { facts });

  test('gets it once more, shorter', async () => {
    const played = await playLong({ turns: [read, read, read, { error }, summary, done] });
    assert.equal(endingOf(played), 'completed');
    const steps = played.events.filter(({ body }) => body.type === 'step-finished');
    assert.deepEqual(
      steps.slice(-3).map(({ step }) => step),
      ['turn-4/model', 'turn-4/compact-again', 'turn-4/model-again'],
    );
    assert.equal(bodies(played, 'context-compacted')[0]?.method, 'summary');
    await assertReplays(played);
  });

  test('gets it as it is when a note would be no shorter', async () => {
    const lengths = Array.from({ length: 12 }, (_, index) => 130 + 3 * index);
    let compacted = 0;
    for (const length of lengths) {
      const history: Message[] = [
        { role: 'user', content: [{ type: 'text', text: 'x'.repeat(length) }] },
      ];
      const played = await playLong({ turns: [{ error }, done] }, { history });
      for (const { tokensBefore, tokensAfter } of bodies(played, 'context-compacted')) {
        assert.ok(tokensAfter < tokensBefore, `${tokensBefore} tokens became ${tokensAfter}`);
        compacted += 1;
      }
    }
    assert.ok(compacted > 0 && compacted < lengths.length);
  });

  test('gets it no third time', async () => {
    const played = await playLong({ turns: [read, read, read, { error }, summary, { error }] });
    assert.equal(endingOf(played), 'provider_rejected');
    assert.equal(played.outside.requests.length, 6);
  });

  test('in the middle of its answer, gets nothing more', async () => {
    const turns = [read, read, read, { text: 'I be', error }, done];
    const played = await playLong({ turns });
    assert.equal(endingOf(played), 'provider_rejected');
    assert.equal(played.outside.requests.length, 4);
  });
});
