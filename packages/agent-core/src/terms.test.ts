import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BudgetLimits, RunInput } from '@modelhost/kernel';
import { createBudgetLedger } from './budgets/budget-ledger.ts';
import { changeTerms, openTerms, stepsWith } from './terms.ts';

const limits: BudgetLimits = {
  tokensMax: 1_000,
  costMicroUsdMax: 1_000,
  stepsMax: 100,
  toolCallsMax: 100,
  durationMsMax: 1_000,
};

/** Only what terms are made of. */
function inputOf(id: string): RunInput {
  // Nothing else of an input is looked at.
  return { agent: { route: { id } }, budget: limits } as unknown as RunInput;
}

/** In the order in which the loop enters them. */
const parts = ['model', 'model-again', 'tool-1', 'tool-2', 'tool-3'];
const entered = Array.from({ length: 6 }, (_, index) => index + 1).flatMap((turn) =>
  parts.map((name) => `turn-${turn}/${name}`),
);

/** What is shown of a turn, by the part that it belongs to. */
const shown = [
  ['compact', 0],
  ['model', 0],
  ['compact-again', 1],
  ['model-again', 1],
  ['tool-1', 2],
  ['tool-3', 4],
] as const;

const place = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom(...shown))
  .map(([turn, [name, part]]) => ({
    step: `turn-${turn}/${name}`,
    at: (turn - 1) * parts.length + part,
  }));

test('each step of a fork of forks is bound as it was where it was taken', () => {
  fc.assert(
    fc.property(fc.array(place, { maxLength: 5 }), (forks) => {
      let input = inputOf('0');
      // What the routes of the parts of a run are: a fork takes over what is before it.
      const expected = entered.map(() => '0');
      for (const [index, { step, at }] of forks.entries()) {
        const id = String(index + 1);
        const { route } = inputOf(id).agent;
        input = changeTerms(input, step, { route });
        expected.fill(id, at);
      }
      const terms = openTerms(input, createBudgetLedger(), 'run');
      const seen = entered.map((step) => {
        assert.equal(terms.enter(step), undefined);
        return terms.route().id;
      });
      assert.deepEqual(seen, expected);
    }),
  );
});

test('a smaller budget holds from its step on, with what was used before', () => {
  const input = changeTerms(inputOf('0'), 'turn-2/model', { budget: { ...limits, stepsMax: 2 } });
  const budgets = createBudgetLedger();
  const terms = openTerms(input, budgets, 'run');
  const one = { tokens: 10, costMicroUsd: 0, steps: 1, toolCalls: 0 };
  for (const id of ['a', 'b', 'c']) {
    assert.equal(terms.enter('turn-1/model'), undefined);
    assert.equal(budgets.reserve('run', id, one).kind, 'reserved');
    budgets.settle('run', id, one);
  }
  assert.equal(terms.enter('turn-2/model'), 'steps');
  assert.deepEqual(budgets.reserve('run', 'd', one), { kind: 'refused', budget: 'steps' });
  assert.equal(budgets.state('run').spent.tokens, 30);
});

test('where other terms begin with a model call, its compaction is done anew with it', () => {
  const withOther = (atStep: string): readonly string[] => {
    const input = changeTerms(inputOf('0'), atStep, { route: inputOf('1').agent.route });
    return stepsWith(input, { atStep, firstStep: atStep });
  };
  const both = ['turn-3/compact', 'turn-3/model'];
  assert.deepEqual(withOther('turn-3/model'), both);
  assert.deepEqual(withOther('turn-3/compact'), both);
  const again = ['turn-12/compact-again', 'turn-12/model-again'];
  assert.deepEqual(withOther('turn-12/model-again'), again);
  assert.deepEqual(withOther('turn-3/tool-1'), []);
  const same = changeTerms(inputOf('0'), 'turn-3/model', {});
  assert.deepEqual(stepsWith(same, { atStep: 'turn-3/model', firstStep: 'turn-3/model' }), []);
});

test('what was used above the limits counts for those of the fork', () => {
  const poor = { ...inputOf('0'), budget: { ...limits, tokensMax: 20 } };
  const input = changeTerms(poor, 'turn-2/model', { budget: { ...limits, tokensMax: 50 } });
  const budgets = createBudgetLedger();
  const terms = openTerms(input, budgets, 'run');
  terms.enter('turn-1/model');
  const one = { tokens: 10, costMicroUsd: 0, steps: 1, toolCalls: 0 };
  budgets.reserve('run', 'a', one);
  assert.deepEqual(budgets.settle('run', 'a', { ...one, tokens: 60 }), { overrunTokens: 40 });
  assert.equal(budgets.state('run').spent.tokens, 20);
  assert.equal(terms.enter('turn-2/model'), 'tokens');
  assert.equal(budgets.state('run').spent.tokens, 60);
});
