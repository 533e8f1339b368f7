import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BudgetLimits, ModelRoute } from '@modelhost/kernel';
import { createBudgetLedger } from '../budgets/budget-ledger.ts';
import { costOf, estimateMessageTokens, estimateTextTokens, fitOutput } from './tokens.ts';

const route: ModelRoute = {
  id: 'm',
  provider: 'p',
  model: 'm-1',
  contextTokensMax: 1_000,
  outputTokensMax: 400,
  inputMicroUsdPerToken: 0.15,
  outputMicroUsdPerToken: 0.6,
};
const limits: BudgetLimits = {
  tokensMax: 800,
  costMicroUsdMax: 300,
  stepsMax: 10,
  toolCallsMax: 4,
  durationMsMax: 1_000,
};

function stateOf(given: Partial<BudgetLimits>) {
  const ledger = createBudgetLedger();
  ledger.open('run', { ...limits, ...given });
  return ledger.state('run');
}

test('what fits can always be reserved: neither tokens nor cost nor window are exceeded', () => {
  fc.assert(
    fc.property(
      fc.record({
        tokensMax: fc.nat(3_000),
        costMicroUsdMax: fc.nat(500),
        inputTokens: fc.nat(2_000),
        input: fc.double({ min: 0, max: 20, noNaN: true }),
        output: fc.double({ min: 0, max: 80, noNaN: true }),
        maxOutputTokens: fc.option(fc.integer({ min: 1, max: 2_000 }), { nil: undefined }),
      }),
      ({ tokensMax, costMicroUsdMax, inputTokens, input, output, maxOutputTokens }) => {
        const priced = { ...route, inputMicroUsdPerToken: input, outputMicroUsdPerToken: output };
        const ledger = createBudgetLedger();
        ledger.open('run', { ...limits, tokensMax, costMicroUsdMax });
        const fit = fitOutput({
          state: ledger.state('run'),
          route: priced,
          inputTokens,
          maxOutputTokens,
        });
        if (fit.kind !== 'fits') return;
        assert.ok(fit.maxOutputTokens >= 1);
        assert.ok(inputTokens + fit.maxOutputTokens <= priced.contextTokensMax);
        assert.ok(fit.maxOutputTokens <= (maxOutputTokens ?? priced.outputTokensMax));
        const reserved = ledger.reserve('run', 'step', {
          tokens: inputTokens + fit.maxOutputTokens,
          costMicroUsd: costOf(priced, { inputTokens, outputTokens: fit.maxOutputTokens }),
          steps: 1,
          toolCalls: 0,
        });
        assert.equal(reserved.kind, 'reserved');
      },
    ),
  );
});

test('the bound says which budget makes the answer short', () => {
  const rows = [
    [{}, 100, { kind: 'fits', maxOutputTokens: 400, limitedBy: undefined }],
    [{ tokensMax: 150 }, 100, { kind: 'fits', maxOutputTokens: 50, limitedBy: 'tokens' }],
    [{ costMicroUsdMax: 75 }, 100, { kind: 'fits', maxOutputTokens: 100, limitedBy: 'cost' }],
    [{ tokensMax: 100 }, 100, { kind: 'exceeded', budget: 'tokens' }],
    [{ costMicroUsdMax: 15 }, 100, { kind: 'exceeded', budget: 'cost' }],
    [{ tokensMax: 9_000, costMicroUsdMax: 9_000 }, 1_000, { kind: 'too-long' }],
  ] as const;
  for (const [given, inputTokens, fit] of rows) {
    const options = { state: stateOf(given), route, inputTokens, maxOutputTokens: undefined };
    assert.deepEqual(fitOutput(options), fit);
  }
});

test('a free model is bounded by tokens alone', () => {
  const free = { ...route, inputMicroUsdPerToken: 0, outputMicroUsdPerToken: 0 };
  const state = stateOf({ costMicroUsdMax: 0 });
  assert.deepEqual(fitOutput({ state, route: free, inputTokens: 10, maxOutputTokens: undefined }), {
    kind: 'fits',
    maxOutputTokens: 400,
    limitedBy: undefined,
  });
});

test('text costs by its UTF-8 bytes, and every kind of message costs something', () => {
  assert.equal(estimateTextTokens(''), 0);
  assert.equal(estimateTextTokens('abc'), 1);
  assert.equal(estimateTextTokens('日本'), 2);
  const messages = [
    { role: 'system', content: '' },
    { role: 'user', content: [] },
    { role: 'assistant', content: '', toolCalls: [] },
    { role: 'tool', toolCallId: 'c', toolName: 't', content: '', isError: false },
  ] as const;
  for (const message of messages) assert.ok(estimateMessageTokens(message) > 0);
});
