import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { RunEndReason, RunEventSchema, ToolOutcome } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { createPaint } from '../paint.ts';
import { renderRunDiff } from './diff-text.ts';
import { diffLines } from './line-diff.ts';

const texts = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });

test('what is left of a difference is the old text, and what it makes is the new one', () => {
  fc.assert(
    fc.property(texts, texts, (old, now) => {
      const lines = diffLines(old, now);
      const without = (sign: string): readonly string[] =>
        lines.filter((line) => line.sign !== sign).map(({ text }) => text);
      assert.deepEqual(without('+'), old);
      assert.deepEqual(without('-'), now);
    }),
  );
});

test('texts that are the same differ in nothing, however long they are', () => {
  const long = Array.from({ length: 5_000 }, (_, index) => `line ${index}`);
  assert.ok(diffLines(long, long).every(({ sign }) => sign === ' '));
  const changed = diffLines(long, [...long.slice(0, 4_999), 'other']);
  assert.deepEqual(changed.slice(-2), [
    { sign: '-', text: 'line 4999' },
    { sign: '+', text: 'other' },
  ]);
});

function event(step: string, body: MessageInitShape<typeof RunEventSchema>['event']): RunEvent {
  return create(RunEventSchema, { step, ...(body === undefined ? {} : { event: body }) });
}

function runOf(path: string, answer: string): readonly RunEvent[] {
  return [
    event('', { case: 'runStarted', value: { runId: `run_${answer}`, model: 'small' } }),
    event('turn-1/model', { case: 'stepFinished', value: { finishReason: 'tool-calls' } }),
    event('turn-1/tool-1', {
      case: 'toolRequested',
      value: { callId: `call_${answer}`, tool: 'files__read', argumentsJson: path },
    }),
    event('turn-1/tool-1', {
      case: 'toolFinished',
      value: {
        callId: `call_${answer}`,
        tool: 'files__read',
        outcome: ToolOutcome.OK,
        content: 'text',
      },
    }),
    event('', {
      case: 'runFinished',
      value: {
        result: {
          reason: RunEndReason.COMPLETED,
          answer,
          statistics: { modelCalls: 2, toolCalls: 1, costMicroUsd: 250_000n },
        },
      },
    }),
  ];
}

test('two runs are compared by what they did, and not by ids and times', () => {
  const paint = createPaint(false);
  const same = renderRunDiff(runOf('{"a":1}', 'yes'), runOf('{"a":1}', 'yes'), paint);
  assert.equal(same, 'steps: the same\nanswer: the same\nending: the same\n');
  assert.equal(
    renderRunDiff(runOf('{"a":1}', 'yes'), runOf('{"a":2}', 'no'), paint),
    `steps
  model small
  turn-1/model  tool-calls
- turn-1/tool-1  files__read {"a":1} ok: text
+ turn-1/tool-1  files__read {"a":2} ok: text
answer
- yes
+ no
ending: the same
`,
  );
});
