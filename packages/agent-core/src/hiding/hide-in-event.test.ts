import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noObligations, noStatistics, plainLabels } from '@modelhost/kernel';
import type { ErrorData, RunEventBody } from '@modelhost/kernel';
import { hideInEvent } from './hide-in-event.ts';

const hide = (text: string): string => text.replaceAll('canary', '-');
const hides = { text: hide, arguments: hide };
const error: ErrorData = { code: 'internal', message: 'a canary', facts: { why: 'canary' } };
const asked = {
  approvalId: 'a',
  callId: 'c',
  tool: 't',
  arguments: '{"x":"canary"}',
  callDigest: 'd',
  gates: [],
  origins: [],
  expiresAtMs: 1,
} as const;
const finished = {
  callId: 'c',
  tool: 't',
  outcome: 'failed',
  content: 'canary',
  isTruncated: false,
  labels: plainLabels,
  durationMs: 1,
  error,
} as const;

/** What of each event somebody outside may have written. */
const events: readonly RunEventBody[] = [
  { type: 'tool-requested', callId: 'c', tool: 't', arguments: '["canary"]', executor: 'host' },
  {
    type: 'decision',
    callId: 'c',
    action: 'CallTool',
    resource: 't',
    effect: 'deny',
    reasons: [{ rule: 'r', message: 'no canary' }],
    obligations: noObligations,
    policyDigest: 'd',
  },
  { type: 'approval-requested', ...asked },
  {
    type: 'approval-resolved',
    approvalId: 'a',
    callId: 'c',
    approved: true,
    by: 'ann',
    comment: 'canary',
  },
  { type: 'tool-progress', callId: 'c', progress: 1, total: undefined, message: 'canary' },
  {
    type: 'input-requested',
    inputId: 'i',
    callId: 'c',
    tool: 't',
    message: 'canary?',
    schema: { properties: { a: { title: 'canary', enum: ['canary', 1, null] } } },
    url: 'https://x.example/canary',
    expiresAtMs: 1,
  },
  { type: 'tool-finished', ...finished },
  {
    type: 'run-finished',
    result: { ending: { reason: 'failed', error }, statistics: noStatistics },
  },
  {
    type: 'run-finished',
    result: { ending: { reason: 'denied', message: 'canary' }, statistics: noStatistics },
  },
];

for (const event of events) {
  test(`the texts of ${event.type} are hidden, and nothing else is changed`, () => {
    const hidden = JSON.stringify(hideInEvent(event, hides));
    assert.doesNotMatch(hidden, /canary/);
    assert.equal(hidden, JSON.stringify(event).replaceAll('canary', '-'));
  });
}

test('pieces and answers are left alone: their text was redacted as one', () => {
  const piece: RunEventBody = { type: 'text-delta', text: 'canary' };
  assert.equal(hideInEvent(piece, hides), piece);
  const ending = { reason: 'completed', answer: 'canary' } as const;
  const last: RunEventBody = { type: 'run-finished', result: { ending, statistics: noStatistics } };
  assert.deepEqual(hideInEvent(last, hides), last);
});
