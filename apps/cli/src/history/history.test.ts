import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { CompactionMethod, RunEndReason, RunEventSchema, ToolOutcome } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { createPaint } from '../text/paint.ts';
import { compareRuns, renderRunDiff } from './diff-text.ts';
import { diffLines } from './line-diff.ts';
import { toRunLines } from './run-lines.ts';
import { readWholeRun } from './whole-run.ts';

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
  const diff = (old: readonly RunEvent[], now: readonly RunEvent[]): string =>
    renderRunDiff(compareRuns(old, now), paint);
  const same = diff(runOf('{"a":1}', 'yes'), runOf('{"a":1}', 'yes'));
  assert.equal(same, 'steps: the same\nanswer: the same\nending: the same\n');
  assert.equal(
    diff(runOf('{"a":1}', 'yes'), runOf('{"a":2}', 'no')),
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
  const { ending } = toRunLines(runOf('', 'yes'));
  assert.equal(ending[1], '2 model calls, 1 tool call, 0 denied');
});

test('which model answered is compared, and how a conversation was compacted for it', () => {
  const turn = (model: string, method?: CompactionMethod): readonly RunEvent[] => [
    ...(method === undefined
      ? []
      : [
          event('turn-2/compact', {
            case: 'contextCompacted',
            value: { method, messagesBefore: 9, messagesAfter: 4 },
          }),
        ]),
    event('turn-2/model', { case: 'decision', value: { action: 'UseModel', resource: model } }),
    event('turn-2/model', { case: 'stepFinished', value: { finishReason: 'stop' } }),
  ];
  const lines = (events: readonly RunEvent[]): readonly string[] => toRunLines(events).steps;
  assert.deepEqual(lines(turn('small', CompactionMethod.CUT)), [
    'turn-2/compact  9 messages cut to 4',
    'turn-2/model  small: stop',
  ]);
  assert.deepEqual(lines(turn('small', CompactionMethod.SUMMARY)).slice(0, 1), [
    'turn-2/compact  9 messages summarized to 4',
  ]);
  assert.deepEqual(lines(turn('large')), ['turn-2/model  large: stop']);
});

/** One turn that says something in two parts and calls tools, which end in this order. */
function turnOf(text: string, order: readonly number[]): readonly RunEvent[] {
  const tool = (number: number): RunEvent =>
    event(`turn-1/tool-${number}`, {
      case: 'toolFinished',
      value: { callId: `call_${number}`, tool: 'files__read', content: `text ${number}` },
    });
  return [
    event('turn-1/model', { case: 'textDelta', value: { text: 'lost' } }),
    event('turn-1/model', { case: 'stepReset', value: { attempt: 2 } }),
    event('turn-1/model', { case: 'textDelta', value: { text: text.slice(0, 3) } }),
    event('turn-1/model', { case: 'textDelta', value: { text: text.slice(3) } }),
    event('turn-1/model', { case: 'stepFinished', value: { finishReason: 'tool-calls' } }),
    ...order.map(tool),
    event('turn-2/model', { case: 'textDelta', value: { text: 'the answer' } }),
    event('turn-2/model', { case: 'stepFinished', value: { finishReason: 'stop' } }),
    event('', {
      case: 'runFinished',
      value: { result: { reason: RunEndReason.COMPLETED, answer: 'the answer' } },
    }),
  ];
}

test('calls that are made at once are compared by their place, and what is said before them too', () => {
  const calls = Array.from({ length: 12 }, (_, index) => index + 1);
  const { steps } = toRunLines(turnOf('I look.', calls));
  assert.deepEqual(steps.slice(0, 3), [
    'turn-1/model  tool-calls',
    'turn-1/model  says: I look.',
    'turn-1/tool-1  files__read  finished: text 1',
  ]);
  assert.deepEqual(steps.slice(-2), [
    'turn-1/tool-12  files__read  finished: text 12',
    'turn-2/model  stop',
  ]);
  fc.assert(
    fc.property(fc.shuffledSubarray(calls, { minLength: calls.length }), (order) => {
      assert.deepEqual(toRunLines(turnOf('I look.', order)).steps, steps);
    }),
  );
  const [changed] = compareRuns(turnOf('I look.', calls), turnOf('I do not.', calls));
  assert.deepEqual(
    changed?.lines.filter(({ sign }) => sign !== ' ').map(({ text }) => text),
    ['turn-1/model  says: I look.', 'turn-1/model  says: I do not.'],
  );
});

test('events that are no longer kept come out of the journal, and only then', async () => {
  const whole = runOf('{}', 'yes');
  const [last] = whole.slice(-1);
  const dropped = event('', { case: 'eventsDropped', value: { fromSequence: 1n, toSequence: 4n } });
  let replays = 0;
  const clientOf = (kept: readonly RunEvent[]): Parameters<typeof readWholeRun>[0] => ({
    followRun: async function* followRun() {
      yield* kept;
    },
    replayRun: async function* replayRun() {
      replays += 1;
      for (const value of whole) yield { case: 'event', value } as const;
    },
  });
  assert.deepEqual(await readWholeRun(clientOf(whole), 'run_1'), whole);
  assert.equal(replays, 0);
  const cut = last === undefined ? [dropped] : [dropped, last];
  assert.deepEqual(await readWholeRun(clientOf(cut), 'run_1'), whole);
  assert.deepEqual(await readWholeRun(clientOf(whole), 'run_1', cut), whole);
});
