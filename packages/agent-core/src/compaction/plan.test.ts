import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Message } from '@modelhost/kernel';
import fc from 'fast-check';
import { weighMessages } from '../model/tokens.ts';
import { lighten, planCompaction } from './plan.ts';

const text = fc.string({ maxLength: 200 });
const user = text.map((words): readonly Message[] => [
  { role: 'user', content: [{ type: 'text', text: words }] },
]);
const system = text.map((content): readonly Message[] => [{ role: 'system', content }]);
const turn = fc
  .tuple(text, fc.array(text, { maxLength: 3 }))
  .map(([content, results]): readonly Message[] => [
    {
      role: 'assistant',
      content,
      toolCalls: results.map((_result, index) => ({ id: `${index}`, name: 't', arguments: '{}' })),
    },
    ...results.map((result, index): Message => ({
      role: 'tool',
      toolCallId: `${index}`,
      toolName: 't',
      content: result,
      isError: false,
    })),
  ]);
const task: Message = { role: 'user', content: [{ type: 'text', text: 'the task' }] };
const turns = fc.array(fc.oneof(user, turn), { maxLength: 12 });
/** Instructions, a history, the task, and what the run said since, as turns. */
const conversation = fc
  .tuple(fc.option(system, { nil: [] }), turns, turns)
  .map(([instructions, history, since]) => [instructions, ...history, [task], ...since]);
const bound = fc.nat({ max: 1_500 });

function isFixed(message: Message): boolean {
  return message === task || message.role === 'system';
}

suite('a plan of what goes out of a conversation', () => {
  test('takes whole turns from the front, and never the instructions, the task or the newest turn', () => {
    fc.assert(
      fc.property(conversation, bound, (given, keptTokensMax) => {
        const messages = given.flat();
        const plan = planCompaction({ messages, task, keptTokensMax });
        if (plan === undefined) return;
        const older = new Set(plan.older);
        const parts = given.map((part) => part.map((message) => older.has(message)));
        assert.ok(parts.every((part) => new Set(part).size <= 1));
        assert.ok(!plan.older.some(isFixed));
        assert.ok(!older.has(messages.at(-1) ?? task));
        const last = messages.findLastIndex((message) => older.has(message));
        assert.deepEqual(
          plan.before.filter((message) => !isFixed(message)),
          plan.older,
        );
        assert.ok(
          messages.slice(0, last + 1).every((message) => older.has(message) || isFixed(message)),
        );
      }),
    );
  });

  test('keeps as many of the newest turns as fit, and one at least', () => {
    fc.assert(
      fc.property(conversation, bound, (given, keptTokensMax) => {
        const free = given.filter((part) => !part.some(isFixed) && part.length > 0);
        const messages = given.flat();
        const plan = planCompaction({ messages, task, keptTokensMax });
        const gone = new Set(plan?.older);
        const kept = free.filter((part) => !part.some((message) => gone.has(message)));
        const newest = messages.at(-1) === task ? 0 : 1;
        assert.ok(kept.length >= Math.min(newest, free.length));
        if (kept.length > newest)
          assert.ok(weighMessages(kept.flat()) <= keptTokensMax + weighMessages([task]));
        const next = free[free.length - kept.length - 1];
        if (next === undefined) return;
        assert.ok(weighMessages([...next, ...kept.flat()]) > keptTokensMax - weighMessages([task]));
      }),
    );
  });

  test('is none where there is nothing but what stays', () => {
    const instructions: Message = { role: 'system', content: 'Be kind.' };
    for (const messages of [[], [task], [instructions, task]]) {
      assert.equal(planCompaction({ messages, task, keptTokensMax: 0 }), undefined);
    }
  });
});

test('what is sent for a summary is light enough, begins with a user and keeps what is newest', () => {
  fc.assert(
    fc.property(conversation, bound, (given, tokensMax) => {
      const before = given.flat();
      const left = lighten(before, { task, tokensMax });
      if (weighMessages(before) <= tokensMax) return assert.equal(left, before);
      assert.ok(before.filter(isFixed).every((message) => left.includes(message)));
      const free = left.filter((message) => !isFixed(message));
      if (free.length === 0) return undefined;
      assert.ok(weighMessages(left) <= tokensMax);
      assert.equal(left.find(({ role }) => role !== 'system')?.role, 'user');
      return assert.deepEqual(
        free,
        before.filter((message) => !isFixed(message)).slice(-free.length),
      );
    }),
  );
});
