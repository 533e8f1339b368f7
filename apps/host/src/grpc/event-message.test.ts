import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { CompactionMethod, RunEventSchema, RunSchema } from '@modelhost/contracts';
import { noObligations, plainLabels } from '@modelhost/kernel';
import { toEventMessage } from './event-message.ts';
import { toolResultSignal, toRunMessage } from './run-message.ts';
import { encode } from './service.ts';

test('what a run waits for has the very id that it was asked under', () => {
  const ids = ['call_1', 'a/b', '/', 'approval/x', ''];
  const { waitingFor } = create(
    RunSchema,
    toRunMessage({
      runId: 'run_1',
      principal: { tenant: 'acme', subject: 'alice', roles: [] },
      agent: 'helper',
      agentVersion: '1',
      metadata: {},
      state: 'waiting',
      createdAtMs: 1,
      finishedAtMs: undefined,
      lastSequence: 1,
      waitingFor: ids.flatMap((id) =>
        [`approval/${id}/1`, toolResultSignal(id)].map((name) => ({
          name,
          sinceMs: 1,
          approvers: [],
        })),
      ),
      result: undefined,
    }),
  );
  assert.deepEqual(
    waitingFor.map(({ signal }) => signal),
    ids.flatMap((value) => [
      { case: 'approvalId', value },
      { case: 'toolCallId', value },
    ]),
  );
});

test('advice of a provider in parts of a millisecond is sent as whole ones', () => {
  const error = { code: 'provider_rate_limited', message: 'slow down', facts: {} } as const;
  const message = toEventMessage({
    sequence: 1,
    timeMs: 1,
    step: 'turn-1/call',
    body: {
      type: 'tool-finished',
      callId: 'c',
      tool: 't',
      outcome: 'failed',
      content: '',
      isTruncated: false,
      labels: plainLabels,
      durationMs: 1,
      error: { ...error, retryAfterMs: 33.3 },
    },
  });
  assert.ok(encode(RunEventSchema, message).length > 0);
  assert.ok(message.event.case === 'toolFinished');
  const retryAfter = message.event.value.error?.retryAfter;
  assert.equal(retryAfter && durationMs(retryAfter), 34);
});

test('a held call tells its gates and where its values come from, and a decision what it demands', () => {
  const gates = [
    { approvers: ['finance', 'legal'], quorum: 2, isSelfApprovalAllowed: false },
    { approvers: ['finance'], quorum: 1, isSelfApprovalAllowed: true },
  ];
  const origins = [{ path: 'to', origin: 'untrusted', sources: ['turn-1/tool-1'] }] as const;
  const asked = toEventMessage({
    sequence: 1,
    timeMs: 1,
    step: 'turn-2/tool-1',
    body: {
      type: 'approval-requested',
      approvalId: 'apr_1',
      callId: 'c',
      tool: 'bank__pay',
      arguments: '{}',
      callDigest: 'd',
      gates,
      origins,
      expiresAtMs: 2,
    },
  });
  assert.ok(asked.event.case === 'approvalRequested');
  assert.deepEqual(asked.event.value.approvers, ['finance', 'legal']);
  assert.deepEqual(
    asked.event.value.gates.map(({ quorum, selfApprovalAllowed }) => [quorum, selfApprovalAllowed]),
    [
      [2, false],
      [1, true],
    ],
  );
  assert.equal(asked.event.value.origins[0]?.origin, 'untrusted');
  const decided = toEventMessage({
    sequence: 2,
    timeMs: 1,
    step: 'turn-2/tool-1',
    body: {
      type: 'decision',
      callId: 'c',
      action: 'CallTool',
      resource: 'bank__pay',
      effect: 'hold',
      reasons: [],
      obligations: {
        ...noObligations,
        reveal: { to: ['email'] },
        limits: { resultBytesMax: 5 },
        notify: ['soc'],
      },
      policyDigest: 'p',
    },
  });
  assert.ok(decided.event.case === 'decision');
  const { obligations } = decided.event.value;
  assert.equal(obligations?.resultBytesMax, 5n);
  assert.equal(obligations.timeoutMsMax, undefined);
  assert.deepEqual(obligations.notify, ['soc']);
  const [{ argument, detectors } = {}] = obligations.reveal;
  assert.deepEqual([argument, detectors], ['to', ['email']]);
});

test('a compacted conversation is told with both its sizes', () => {
  const sizes = { messagesBefore: 9, messagesAfter: 3, tokensBefore: 5_000, tokensAfter: 700 };
  const methods = { summary: CompactionMethod.SUMMARY, cut: CompactionMethod.CUT };
  for (const method of ['summary', 'cut'] as const) {
    const body = { type: 'context-compacted', method, ...sizes } as const;
    const { event } = toEventMessage({ sequence: 1, timeMs: 1, step: 'turn-2/compact', body });
    assert.ok(event.case === 'contextCompacted');
    const { messagesBefore, messagesAfter, tokensBefore, tokensAfter } = event.value;
    assert.equal(event.value.method, methods[method]);
    assert.deepEqual(
      [messagesBefore, messagesAfter, tokensBefore, tokensAfter],
      [9, 3, 5_000n, 700n],
    );
  }
});
