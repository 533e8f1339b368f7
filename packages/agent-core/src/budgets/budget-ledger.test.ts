import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BudgetAmount, BudgetLimits } from '@modelhost/kernel';
import { createBudgetLedger } from './budget-ledger.ts';

const limits: BudgetLimits = {
  tokensMax: 100,
  costMicroUsdMax: 50,
  stepsMax: 10,
  toolCallsMax: 4,
  durationMsMax: 1_000,
};
const one: BudgetAmount = { tokens: 10, costMicroUsd: 5, steps: 1, toolCalls: 1 };

const amount = fc.record({
  tokens: fc.nat(60),
  costMicroUsd: fc.nat(30),
  steps: fc.nat(4),
  toolCalls: fc.nat(3),
});
const action = fc.oneof(
  fc.record({ type: fc.constant('reserve' as const), id: fc.nat(5), amount }),
  fc.record({ type: fc.constant('settle' as const), id: fc.nat(5), amount }),
  fc.record({ type: fc.constant('release' as const), id: fc.nat(5), amount }),
);

test('no order of reserving, settling and releasing ever takes spent and held above a limit', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const ledger = createBudgetLedger();
      ledger.open('run', limits);
      const open = new Set<string>();
      for (const { type, id, amount: wanted } of actions) {
        const name = String(id);
        if (type === 'reserve') {
          const outcome = ledger.reserve('run', name, wanted);
          if (outcome.kind === 'reserved') open.add(name);
        } else if (open.delete(name)) {
          if (type === 'settle') ledger.settle('run', name, wanted);
          else ledger.release('run', name);
        }
        const { spent, held } = ledger.state('run');
        assert.ok(spent.tokens + held.tokens <= limits.tokensMax);
        assert.ok(spent.costMicroUsd + held.costMicroUsd <= limits.costMicroUsdMax);
        assert.ok(spent.steps + held.steps <= limits.stepsMax);
        assert.ok(spent.toolCalls + held.toolCalls <= limits.toolCallsMax);
      }
      for (const name of open) ledger.release('run', name);
      assert.deepEqual(ledger.state('run').held, {
        tokens: 0,
        costMicroUsd: 0,
        steps: 0,
        toolCalls: 0,
      });
    }),
  );
});

test('an allocation is what was asked for, or nothing with the limit that refuses it', () => {
  const ledger = createBudgetLedger();
  ledger.open('run', limits);
  const rows = [
    [{ ...one, steps: 11 }, 'steps'],
    [{ ...one, toolCalls: 5 }, 'tool_calls'],
    [{ ...one, tokens: 101 }, 'tokens'],
    [{ ...one, costMicroUsd: 51 }, 'cost'],
  ] as const;
  for (const [wanted, budget] of rows) {
    assert.deepEqual(ledger.reserve('run', 'a', wanted), { kind: 'refused', budget });
  }
  assert.deepEqual(ledger.reserve('run', 'a', one), {
    kind: 'reserved',
    amount: one,
  });
});

test('the same id is set aside once', () => {
  const ledger = createBudgetLedger();
  ledger.open('run', limits);
  ledger.reserve('run', 'a', one);
  ledger.reserve('run', 'a', { ...one, tokens: 90 });
  assert.deepEqual(ledger.state('run').held, one);
});

test('usage above the reservation is charged while there is budget, and reported beyond it', () => {
  const ledger = createBudgetLedger();
  ledger.open('run', limits);
  ledger.reserve('run', 'a', one);
  assert.deepEqual(ledger.settle('run', 'a', { ...one, tokens: 60 }), { overrunTokens: 0 });
  ledger.reserve('run', 'b', one);
  assert.deepEqual(ledger.settle('run', 'b', { ...one, tokens: 55 }), { overrunTokens: 15 });
  assert.equal(ledger.state('run').spent.tokens, 100);
});

test('a scope that is not open is a fault', () => {
  const ledger = createBudgetLedger();
  assert.throws(() => ledger.state('run'), { code: 'internal' });
  ledger.open('run', limits);
  ledger.close('run');
  assert.throws(() => ledger.reserve('run', 'a', one), { code: 'internal' });
});
