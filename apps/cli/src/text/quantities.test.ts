import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { BudgetKind, RunStatisticsSchema } from '@modelhost/contracts';
import { budgetName, formatCost, formatDuration, formatStatistics } from './quantities.ts';

test('a cost has the digits that it needs, and two at least', () => {
  const shown = [0n, 1n, 10_000n, 120_000n, 1_500_000n, 12_345_678n].map(formatCost);
  assert.deepEqual(shown, ['$0.00', '$0.000001', '$0.01', '$0.12', '$1.50', '$12.345678']);
});

test('a duration is read in the unit that fits it', () => {
  const spans = [0, 850, 12_300, 59_900, 245_000].map((ms) =>
    formatDuration({ seconds: BigInt(Math.floor(ms / 1_000)), nanos: (ms % 1_000) * 1_000_000 }),
  );
  assert.deepEqual(spans, ['0 ms', '850 ms', '12.3 s', '59.9 s', '4 min 5 s']);
});

test('statistics say everything that was used in one line', () => {
  const statistics = create(RunStatisticsSchema, {
    modelCalls: 3,
    toolCalls: 1,
    toolCallsDenied: 1,
    approvals: 1,
    inputTokens: 12_345n,
    outputTokens: 6n,
    costMicroUsd: 2_500n,
    duration: { seconds: 1n, nanos: 0 },
  });
  assert.equal(
    formatStatistics(statistics),
    '1.0 s · 3 model calls · 1 tool call (1 denied) · 1 approval · 12,345 tokens in, 6 out · $0.0025',
  );
});

test('a budget that only a newer host knows is said to be unknown', () => {
  assert.equal(budgetName(BudgetKind.TOOL_CALLS), 'tool calls');
  // What a newer host would send.
  assert.equal(budgetName(99 as BudgetKind), 'unknown');
});
