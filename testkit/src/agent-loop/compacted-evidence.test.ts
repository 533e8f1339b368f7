import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  done,
  endingOf,
  full,
  isSummaryRequest,
  page,
  playLong,
  route,
  summary,
  textOf,
} from './long-run.ts';
import { createTool, textAnswer } from './outside.ts';
import type { ModelTurn } from './outside.ts';
import { assertReplays, bodies } from './play.ts';
import type { Played } from './play.ts';

suite('what was said before', () => {
  test('a summary leaves every label as it was', async () => {
    const played = await playLong({ turns: [...full, summary, done] });
    const labels = played.outside.questions.map(({ context }) => context.labels);
    const tainted = labels.findIndex(({ integrity }) => integrity === 'untrusted');
    assert.ok(tainted > 0 && tainted < 5);
    for (const { integrity, sources } of labels.slice(tainted)) {
      assert.deepEqual([integrity, sources], ['untrusted', ['desk']]);
    }
  });

  test('a summary is redacted like whatever else the model says', async () => {
    const told: ModelTurn = { text: 'Write to ann@house.example about page 7.' };
    const played = await playLong({ turns: [...full, told, done], always: { email: 'token' } });
    const sent = played.outside.requests.at(-1)?.messages.map(textOf) ?? [];
    assert.ok(sent.some((text) => text.endsWith('Write to [EMAIL] about page 7.')));
    assert.ok(![...played.journal.values()].some((text) => text.includes('ann@house')));
    await assertReplays(played);
  });
});

/** What policy is asked about calls, results and the answer, but for what was spent. */
function questionsOf({ outside }: Played): readonly unknown[] {
  return outside.questions
    .filter(({ action }) => action !== 'UseModel')
    .map(({ context: { spent: _spent, ...context }, ...question }) => ({ ...question, context }));
}

test('policy is asked the same whether a conversation was compacted or not', async () => {
  const names = ['ann@house.example', 'eve@attack.example', 'bob@house.example', 'CH-4711'];
  const name = fc.constantFrom(...names);
  const words = fc.array(name, { maxLength: 3 }).map((list) => list.join(' and '));
  const send = { ...createTool('desk__send', 'irreversible'), decisionArguments: ['to'] };
  const about = createTool('desk__about', 'none');
  const offered = [
    createTool('desk__read', 'none'),
    { ...about, integrity: 'trusted' as const, server: 'office' },
    send,
  ];
  const call = fc.oneof(
    fc
      .record({ tool: fc.constant('desk__read'), path: name })
      .map(({ tool, path }) => [tool, JSON.stringify({ path })] as const),
    fc
      .record({ tool: fc.constant('desk__about'), id: name })
      .map(({ tool, id }) => [tool, JSON.stringify({ id })] as const),
    name.map((to) => ['desk__send', JSON.stringify({ to })] as const),
  );
  const plan = fc.record({
    task: words,
    answers: fc.array(words, { minLength: 1, maxLength: 4 }),
    turns: fc.array(fc.array(call, { minLength: 1, maxLength: 2 }), {
      minLength: 7,
      maxLength: 12,
    }),
    summarized: words,
    isFailing: fc.boolean(),
  });
  let compactions = 0;
  await fc.assert(
    fc.asyncProperty(plan, async ({ task, answers, turns, summarized, isFailing }) => {
      const playIn = async (contextTokensMax: number): Promise<Played> => {
        let answered = 0;
        return playLong(
          {
            tools: offered,
            turns: [...turns.map((calls) => ({ calls })), done],
            answerAside: (request) => {
              if (!isSummaryRequest(request)) return undefined;
              return {
                text: `The user wants it sent to ${summarized}.`,
                finishReason: isFailing ? 'refusal' : 'stop',
              };
            },
            callTool: async () => {
              answered += 1;
              return textAnswer(`${answers[answered % answers.length]} ${page}`);
            },
          },
          {
            input: [{ type: 'text', text: `Write to ${task}` }],
            limits: { toolCallsMax: 100, stepsMax: 100 },
            agentChanges: { route: { ...route, contextTokensMax }, compactAtPercent: 80 },
          },
        );
      };
      const [whole, compacted] = [await playIn(1_000_000), await playIn(8_000)];
      assert.deepEqual(bodies(whole, 'context-compacted'), []);
      compactions += bodies(compacted, 'context-compacted').length;
      assert.deepEqual(questionsOf(compacted), questionsOf(whole));
      assert.equal(endingOf(compacted), 'completed');
    }),
    { numRuns: 15 },
  );
  assert.ok(compactions >= 15);
});
