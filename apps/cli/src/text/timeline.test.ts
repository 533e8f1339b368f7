import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  BudgetKind,
  Confidentiality,
  DecisionEffect,
  InputAction,
  RunEndReason,
  RunEventSchema,
  StepKind,
  ToolExecutor,
  ToolOutcome,
  ToolRequestedSchema,
} from '@modelhost/contracts';
import fc from 'fast-check';
import { createPaint } from './paint.ts';
import { createEventPrinter } from './printer.ts';
import { renderEvent } from './timeline.ts';

type Body = NonNullable<MessageInitShape<typeof RunEventSchema>['event']>;

const paint = createPaint(false);

function render(event: Body, isVerbose = false): string {
  return renderEvent(create(RunEventSchema, { step: 'turn-2/model', event }), { paint, isVerbose });
}

const hostile = '\u001B[2J\u202Edrow\r\u0007';
const duration = { seconds: 0n, nanos: 12_000_000 };

test('a run, its turns and its text are shown as they come', () => {
  assert.equal(
    render({ case: 'runStarted', value: { runId: 'run_1', agent: 'reporter', model: 'demo' } }),
    'run run_1  agent reporter, model demo\n',
  );
  assert.equal(render({ case: 'stepStarted', value: { kind: StepKind.MODEL } }), 'turn-2\n');
  assert.equal(render({ case: 'stepStarted', value: { kind: StepKind.TOOL } }), '');
  assert.equal(render({ case: 'textDelta', value: { text: 'one\ntwo' } }), 'one\n  two');
});

test('a call is shown with its arguments, shortened', () => {
  const argumentsJson = JSON.stringify({ path: 'x'.repeat(500) });
  const value = { tool: 'files__read', argumentsJson, executor: ToolExecutor.HOST };
  const shown = render({ case: 'toolRequested', value });
  assert.match(shown, /^ {2}→ files__read \{"path":"x+…\n$/);
  assert.ok(shown.length < 160);
  const client = render({
    case: 'toolRequested',
    value: { ...value, executor: ToolExecutor.CLIENT },
  });
  assert.match(client, /runs at the caller/);
});

test('a denial and a hold give their reasons; an allowance only when everything is wanted', () => {
  const decision = (effect: DecisionEffect): Body => ({
    case: 'decision',
    value: {
      action: 'CallTool',
      resource: 'files__read',
      effect,
      reasons: [{ rule: 'private', message: 'off limits' }, { rule: 'default-deny' }],
    },
  });
  const reasons = '      private: off limits\n      default-deny\n';
  assert.equal(
    render(decision(DecisionEffect.DENY)),
    `  ✗ denied files__read (CallTool)\n${reasons}`,
  );
  assert.equal(
    render(decision(DecisionEffect.HOLD)),
    `  ‖ held files__read (CallTool)\n${reasons}`,
  );
  assert.equal(render(decision(DecisionEffect.ALLOW)), '');
  assert.match(render(decision(DecisionEffect.ALLOW), true), /allowed files__read/);
});

test('an approval shows the arguments whole', () => {
  const content = `first\n${'long '.repeat(5_000)}\nlast`;
  const shown = render({
    case: 'approvalRequested',
    value: {
      approvalId: 'apr_1',
      tool: 'files__write',
      argumentsJson: JSON.stringify({ content, path: '/a' }),
      approvers: ['lead', 'owner'],
    },
  });
  assert.match(
    shown,
    /^ {2}\? approval apr_1 wanted by lead or owner for files__write with exactly\n/,
  );
  assert.ok(shown.includes(`│ ${'long '.repeat(5_000)}\n`));
  assert.match(shown, /│ last\n {6}path: "\/a"\n$/);
});

test('an approval shows where each value comes from, who has to say yes, and each yes', () => {
  const shown = render({
    case: 'approvalRequested',
    value: {
      approvalId: 'apr_1',
      tool: 'pay',
      argumentsJson: '{"to":"eve"}',
      gates: [
        { approvers: ['lead', 'owner'], quorum: 2, selfApprovalAllowed: false },
        { approvers: [], quorum: 1, selfApprovalAllowed: true },
      ],
      origins: [
        { path: 'to', origin: 'untrusted', sources: ['turn-1/tool-2'] },
        { path: 'sum', origin: 'prompt', sources: ['prompt'] },
        { path: 'note', origin: 'of a newer host', sources: [] },
        { path: '', origin: 'model', sources: [] },
      ],
    },
  });
  assert.deepEqual(shown.split('\n').slice(1), [
    '      to: "eve"',
    '      ! to: only a third party wrote it (turn-1/tool-2)',
    '        sum: the user wrote it',
    '        note: of a newer host',
    '      ! the arguments as a whole: nobody wrote it, the model made it up',
    '      all of these are needed:',
    '        needs 2 yeses of different people from lead or owner; who asked does not count',
    '        needs a yes from anybody of the tenant; who asked counts too',
    '',
  ]);
  assert.equal(
    render({
      case: 'approvalVote',
      value: { approvalId: 'apr_1', approvedBy: 'ines', votesMissing: 1 },
    }),
    '  ✓ one yes for apr_1 by ines, 1 more needed\n',
  );
});

test('an approval shows by when it has to be answered; one gate stands alone', () => {
  const [asked, expires] = [0, 5].map((minutes) => new Date(2026, 10, 25, 15, minutes, 0));
  const event = create(RunEventSchema, {
    time: timestampFromDate(asked ?? assert.fail()),
    event: {
      case: 'approvalRequested',
      value: {
        tool: 'pay',
        argumentsJson: '{"to":"eve"}',
        gates: [{ approvers: ['lead'], quorum: 1, selfApprovalAllowed: false }],
        expireTime: timestampFromDate(expires ?? assert.fail()),
      },
    },
  });
  assert.deepEqual(renderEvent(event, { paint, isVerbose: false }).split('\n').slice(2), [
    '      needs a yes from lead; who asked does not count',
    '      until 15:05:00; then the answer is no',
    '',
  ]);
});

test('what policy demands is shown with its decision, and what is known of a result with the result', () => {
  const obligations = {
    redactDetectors: { email: 'token' },
    redactArguments: ['card'],
    reveal: [{ argument: 'to', detectors: ['email', 'phone'] }],
    resultBytesMax: 1_000n,
    transforms: ['strip_links'],
    labels: {
      untrusted: true,
      sources: ['desk'],
      confidentiality: Confidentiality.SECRET,
      compartments: ['pii'],
    },
    audit: 'full',
    notify: ['desk'],
  };
  const value = { action: 'a', resource: 'r', effect: DecisionEffect.DENY, obligations };
  const decided = render({ case: 'decision', value });
  assert.equal(
    decided,
    '  ✗ denied r (a)\n      must: redact email (token), keep "card" out of logs, reveal email, phone in "to", at most 1000 bytes of result, strip links, label untrusted from desk, label secret, label pii, record in full, tell desk\n',
  );
  const finished = (outcome: ToolOutcome, confidentiality: Confidentiality): string =>
    render({
      case: 'toolFinished',
      value: {
        tool: 't',
        outcome,
        truncated: true,
        labels: { untrusted: true, sources: ['desk', 'web'], confidentiality },
        error: { code: 'policy_violation', message: 'too private' },
      },
    });
  assert.equal(
    finished(ToolOutcome.OK, Confidentiality.INTERNAL),
    '  ← t (cut at the cap) [untrusted from desk, web]\n',
  );
  assert.equal(
    finished(ToolOutcome.TOOL_ERROR, Confidentiality.CONFIDENTIAL),
    '  ← t failed (cut at the cap) [untrusted from desk, web, confidential]\n',
  );
  assert.equal(
    finished(ToolOutcome.WITHHELD, Confidentiality.PUBLIC),
    '  ← t answered, and policy keeps it from the model: policy_violation: too private\n',
  );
});

test('the answer to an approval is shown with who gave it', () => {
  const value = { approvalId: 'apr_1', approved: false, resolvedBy: 'ines', comment: 'not today' };
  assert.equal(
    render({ case: 'approvalResolved', value }),
    '  ✗ refused apr_1 by ines: not today\n',
  );
  assert.equal(
    render({ case: 'approvalResolved', value: { ...value, approved: true, comment: '' } }),
    '  ✓ approved apr_1 by ines\n',
  );
});

test('each outcome of a tool has its own line', () => {
  const finished = (outcome: ToolOutcome): string =>
    render({
      case: 'toolFinished',
      value: {
        tool: 't',
        outcome,
        content: 'some\n text',
        duration,
        error: { code: 'mcp_timeout', message: 'silent for 5 ms' },
      },
    });
  assert.equal(finished(ToolOutcome.OK), '  ← t 12 ms\n      some text\n');
  assert.equal(finished(ToolOutcome.TOOL_ERROR), '  ← t 12 ms failed\n      some text\n');
  assert.equal(finished(ToolOutcome.DENIED), '  ← t did not run; the model was told why\n');
  assert.equal(
    finished(ToolOutcome.INVALID_ARGUMENTS),
    '  ← t did not run: mcp_timeout: silent for 5 ms\n',
  );
  assert.equal(finished(ToolOutcome.FAILED), '  ← t 12 ms mcp_timeout: silent for 5 ms\n');
  assert.match(finished(ToolOutcome.UNKNOWN), /may or may not have run/);
  assert.equal(finished(ToolOutcome.CANCELLED), '  ← t cancelled\n');
  // What a newer host would send.
  assert.equal(finished(99 as ToolOutcome), '  ← t ended\n');
});

test('each ending says why, and what was used', () => {
  const finish = (reason: RunEndReason, more: object = {}): string =>
    render({
      case: 'runFinished',
      value: { result: { reason, statistics: { modelCalls: 1, duration }, ...more } },
    });
  assert.match(
    finish(RunEndReason.COMPLETED),
    /^completed\n12 ms · 1 model call · .* · \$0\.00\n$/,
  );
  const budget = BudgetKind.TOKENS;
  assert.match(finish(RunEndReason.BUDGET_EXCEEDED, { budget }), /^budget exceeded: tokens\n/);
  const error = { code: 'policy_violation', message: 'no' };
  assert.match(finish(RunEndReason.DENIED, { error }), /^denied: policy_violation: no\n/);
  assert.match(finish(RunEndReason.FAILED, { error }), /^failed: policy_violation: no\n/);
  assert.match(finish(RunEndReason.CANCELLED, { cancelledBy: 'ines' }), /^cancelled by ines\n/);
  assert.match(finish(RunEndReason.DEADLINE), /^out of time\n/);
});

test('nothing that a model, tool or person wrote reaches the terminal unescaped', () => {
  const bodies: readonly Body[] = [
    { case: 'textDelta', value: { text: hostile } },
    { case: 'toolRequested', value: { tool: hostile, argumentsJson: hostile } },
    {
      case: 'decision',
      value: {
        action: hostile,
        resource: hostile,
        effect: DecisionEffect.DENY,
        reasons: [{ rule: hostile, message: hostile }],
      },
    },
    {
      case: 'approvalRequested',
      value: {
        tool: hostile,
        argumentsJson: hostile,
        approvers: [hostile],
        gates: [{ approvers: [hostile] }],
        origins: [{ path: hostile, origin: hostile, sources: [hostile] }],
      },
    },
    { case: 'approvalVote', value: { approvedBy: hostile } },
    {
      case: 'decision',
      value: {
        effect: DecisionEffect.DENY,
        obligations: {
          transforms: [hostile],
          notify: [hostile],
          labels: { sources: [hostile], untrusted: true },
        },
      },
    },
    { case: 'approvalResolved', value: { resolvedBy: hostile, comment: hostile } },
    { case: 'toolFinished', value: { tool: hostile, outcome: ToolOutcome.OK, content: hostile } },
    {
      case: 'runFinished',
      value: {
        result: { reason: RunEndReason.FAILED, error: { code: 'internal', message: hostile } },
      },
    },
  ];
  for (const body of bodies) {
    assert.doesNotMatch(render(body), /(?!\n)[\p{Cc}\p{Cf}]/u);
  }
});

test('text of the model stays together, and every line after it begins a line', () => {
  const bodies: readonly Body[] = [
    { case: 'textDelta', value: { text: 'text' } },
    { case: 'usage', value: {} },
    { case: 'stepStarted', value: { kind: StepKind.MODEL } },
    { case: 'toolFinished', value: { tool: 't', outcome: ToolOutcome.OK, content: 'c' } },
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...bodies)), (chosen) => {
      let shown = '';
      const print = (text: string): void => void (shown += text);
      const printEvent = createEventPrinter({ print, paint }, {});
      for (const event of chosen)
        printEvent(create(RunEventSchema, { step: 'turn-1/model', event }));
      for (const line of shown.split('\n').filter((one) => one !== '')) {
        assert.match(line, /^(turn-1| {2}(text)+| {2}← t| {6}c)$/);
      }
    }),
  );
});

test('a decision and a result are shown with the arguments of their call, until it ended', () => {
  const printed: string[] = [];
  const printEvent = createEventPrinter({ print: (text) => void printed.push(text), paint }, {});
  const call = (callId: string) => ({ callId, tool: 't', argumentsJson: `{"n":"${callId}"}` });
  const events: readonly Body[] = [
    { case: 'toolRequested', value: create(ToolRequestedSchema, call('a')) },
    { case: 'toolRequested', value: create(ToolRequestedSchema, call('b')) },
    { case: 'decision', value: { callId: 'b', resource: 't', effect: DecisionEffect.DENY } },
    { case: 'toolFinished', value: { callId: 'a', tool: 't', outcome: ToolOutcome.OK } },
    { case: 'toolFinished', value: { callId: 'a', tool: 't', outcome: ToolOutcome.OK } },
  ];
  for (const event of events) printEvent(create(RunEventSchema, { event }));
  assert.deepEqual(printed.slice(2), ['  ✗ denied t {"n":"b"}\n', '  ← t {"n":"a"}\n', '  ← t\n']);
});

test('with JSON each event is one line, with every field', () => {
  const printed: string[] = [];
  const print = (text: string): void => void printed.push(text);
  const printEvent = createEventPrinter({ print, paint }, { json: true });
  const event: Body = { case: 'textDelta', value: { text: 'one\ntwo' } };
  printEvent(create(RunEventSchema, { sequence: 3n, event }));
  assert.deepEqual(printed, ['{"sequence":"3","step":"","textDelta":{"text":"one\\ntwo"}}\n']);
});

test('a model call that a tool asked for, a summary and another try are no turns', () => {
  const event = { case: 'stepStarted', value: { kind: StepKind.MODEL } } as const;
  const tell = (step: string): string =>
    renderEvent(create(RunEventSchema, { step, event }), { paint, isVerbose: false });
  assert.equal(tell('turn-2/tool-1/input-1-1'), '  ⋯ the tool asks the model\n');
  assert.match(tell('turn-2/compact'), /^ {2}⋯ .* the model summarizes the older part\n$/);
  assert.equal(tell('turn-2/model-again'), '  ⋯ the model is asked again\n');
});

test('progress, input that is asked for, and what became of it, are shown without acting on the terminal', () => {
  const call = create(ToolRequestedSchema, { tool: 'desk__scan', argumentsJson: '{}' });
  const progress = create(RunEventSchema, {
    event: { case: 'toolProgress', value: { progress: 2, total: 5, message: `page ${hostile}` } },
  });
  assert.equal(
    renderEvent(progress, { paint, isVerbose: false }, call),
    '  ⋯ desk__scan 2 of 5: page \\u{1b}[2J\\u{202e}drow \\u{7}\n',
  );
  const asked = { inputId: 'inp_1', tool: 'desk__scan', message: `Who${hostile}?` };
  const form = render({
    case: 'inputRequested',
    value: { ...asked, schemaJson: '{"type":"object","properties":{"name":{"type":"string"}}}' },
  });
  assert.match(form, /^ {2}\? input inp_1 wanted by desk__scan, which says: Who\\u\{1b\}/);
  assert.match(form, /\n {6}name: text, optional\n$/);
  const url = `https://pay.example/${'x'.repeat(300)}`;
  assert.ok(
    render({ case: 'inputRequested', value: { ...asked, url } }).endsWith(
      `      to be given at ${url}\n`,
    ),
  );
  for (const [action, pattern] of [
    [InputAction.ACCEPT, /✓ input given inp_1 by ann/],
    [InputAction.DECLINE, /✗ input declined inp_1 by ann/],
    [InputAction.CANCEL, /✗ input cancelled inp_1 by ann/],
    [InputAction.UNSPECIFIED, /\? input answered inp_1 by ann/],
  ] as const) {
    const value = { inputId: 'inp_1', action, resolvedBy: 'ann' };
    assert.match(render({ case: 'inputResolved', value }), pattern);
  }
});
