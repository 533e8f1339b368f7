import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Handover } from '../journal/frame.ts';
import { createWaits } from './waits.ts';

test('an answer past the deadline is not taken and ends the wait, though its timer has not fired', () => {
  // As after a suspend: the clock has gone on, and the timers have not.
  let nowMs = 1_000;
  const handed: Handover[] = [];
  const waits = createWaits({
    clock: { now: () => nowMs, setTimer: () => () => {} },
    bufferedMax: 1,
    ready: (handover) => handed.push(handover),
  });
  for (const name of ['in-time', 'late']) {
    const shown = { approvers: [] };
    const until = { timeoutMs: 500 };
    const ask = { kind: 'wait', name, until, shown, settle: () => {}, reject: () => {} } as const;
    waits.begin(ask, undefined);
  }
  nowMs = 1_499;
  const payload = { type: 'tool-result', content: 'told', isError: false } as const;
  assert.equal(waits.expect('in-time'), true);
  nowMs = 1_500;
  waits.arrive('in-time', payload);
  assert.equal(waits.expect('late'), false);
  assert.deepEqual(handed, [
    { kind: 'signal', name: 'in-time', payload },
    { kind: 'due', name: 'late' },
  ]);
  assert.deepEqual(waits.pending(), []);
});
