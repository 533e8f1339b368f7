import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { PolicyRequest } from '@modelhost/kernel';
import { pointOf } from './fixtures/decision-points.ts';
import { callRequest, inputRequest, modelRequest, requestOf, toolOf } from './fixtures/requests.ts';
import { readQuestion } from './question.ts';
import { readArgumentType } from './argument-types.ts';

/** Whether a permit for everything in the group, with this condition, allows it. */
async function holds(
  condition: string,
  request: PolicyRequest,
  scope = 'action',
): Promise<boolean> {
  const text = `@id("r") permit (principal, ${scope}, resource) when { ${condition} };`;
  const { effect, reasons } = await pointOf(text).decide(request);
  assert.ok(
    !reasons.some(({ rule }) => rule === 'policy-error' || rule === 'r') || effect === 'allow',
  );
  return effect === 'allow';
}

const tool = toolOf(
  { amount: { type: 'integer' } },
  {
    integrity: 'trusted',
    egress: false,
    clearance: 'secret',
    confidentiality: 'confidential',
    summedArguments: ['amount'],
  },
);
const sums = { amount: { run: 3, day: 40 } };
const action = (id: string): string => `action == ModelHost::Action::"${id}"`;
const group = (id: string): string => `action in ModelHost::Action::"${id}"`;

suite('what a question tells of', () => {
  test('labels, as numbers and sets', async () => {
    const request = modelRequest('m', {
      labels: {
        integrity: 'untrusted',
        sources: ['mail', 'web'],
        confidentiality: 'confidential',
        compartments: ['pii'],
      },
    });
    const labels = `context.labels.untrusted && context.labels.sources == ["web", "mail"]
      && context.labels.confidentiality == 2 && context.labels.compartments.contains("pii")`;
    assert.ok(await holds(labels, request));
    const plain = '!context.labels.untrusted && context.labels.confidentiality == 0';
    assert.ok(await holds(plain, modelRequest('m')));
  });

  test('whatever does not say that it is trusted is untrusted', async () => {
    const { context, ...rest } = modelRequest('m');
    // A value that the type does not have, as a fault somewhere else might bring it.
    const labels = { ...context.labels, integrity: 'tenant' } as unknown as typeof context.labels;
    assert.ok(
      await holds('context.labels.untrusted', { ...rest, context: { ...context, labels } }),
    );
  });

  test('evidence: where the values come from, and which of them nobody endorses', async () => {
    const values = (['prompt', 'untrusted', 'reference', 'model'] as const).map(
      (origin, index) => ({
        path: `to[${String(index)}]`,
        origin,
        sources: [],
      }),
    );
    const request = callRequest(tool, { amount: 1 }, { evidence: { values }, history: { sums } });
    const told = `context has evidence && context.evidence.unendorsed == ["to[1]", "to[3]"]
      && context.evidence.origins.containsAll(["prompt", "reference", "model", "untrusted"])`;
    assert.ok(await holds(told, request, group('CallTool')));
    const without = callRequest(tool, { amount: 1 }, { history: { sums } });
    assert.ok(await holds('!(context has evidence)', without, group('CallTool')));
  });

  test('history, with sums of the arguments that the tool declares', async () => {
    const history = {
      toolsUsed: ['a__b'],
      callsOfTool: 1,
      callsInFlight: 2,
      callsLastHour: 3,
      callsLastDay: 4,
      approvals: 5,
      sums,
    };
    const told = `context.history.toolsUsed.contains("a__b") && context.history.callsOfTool == 1
      && context.history.callsInFlight == 2 && context.history.callsLastHour == 3
      && context.history.callsLastDay == 4 && context.history.approvals == 5
      && context.history.sums.amount.run == 3 && context.history.sums.amount.day == 40`;
    assert.ok(await holds(told, callRequest(tool, { amount: 1 }, { history }), action('s__act')));
  });

  test('who acts, and the time in whole seconds', async () => {
    const request = modelRequest('m', { nowMs: Date.UTC(2026, 10, 23, 10, 0, 0, 999) });
    const now = 'context.now == datetime("2026-11-23T10:00:00Z") && !context.delegated';
    assert.ok(await holds(now, request));
    assert.ok(await holds('context.delegated', { ...request, isDelegated: true }));
  });

  test('tools as their operator declares them, and what is not declared as usual', async () => {
    const declared = `resource.integrity == "trusted" && !resource.egress && resource.clearance == 3
      && resource.confidentiality == 2`;
    const request = callRequest(tool, { amount: 1 }, { history: { sums } });
    assert.ok(await holds(declared, request, action('s__act')));
    const usual = `resource.integrity == "untrusted" && resource.egress && resource.clearance == 1
      && resource.confidentiality == 1`;
    assert.ok(await holds(usual, callRequest(toolOf({}), {}), action('s__act')));
  });

  test('each action has its own resource and facts, and is in its group', async () => {
    const plain = toolOf({});
    const memory = { type: 'memory', namespace: 'notes', owner: 'ann', bytes: 7 } as const;
    const owned = `resource == ModelHost::MemoryNamespace::"acme/notes" && context.bytes == 7
      && resource has owner && resource.owner == ModelHost::User::"acme/ann"
      && resource.tenant == ModelHost::Tenant::"acme" && resource in ModelHost::Tenant::"acme"`;
    const rows: readonly (readonly [string, string, PolicyRequest])[] = [
      [group('Content'), '!context.delegated', inputRequest(1)],
      [group('Content'), '!context.delegated', requestOf('EmitOutput', { type: 'output' })],
      [
        action('EmitOutput'),
        'resource == ModelHost::Channel::"output"',
        requestOf('EmitOutput', { type: 'output' }),
      ],
      [
        action('AcceptInput'),
        'resource.tenant == ModelHost::Tenant::"acme" && context.inputBytes == 1',
        inputRequest(1),
      ],
      [
        action('AcceptToolResult'),
        'resource in ModelHost::ToolServer::"s" && context.bytes == 9',
        requestOf('AcceptToolResult', { type: 'tool-result', tool: plain, bytes: 9 }),
      ],
      [
        group('Content'),
        '!context.delegated',
        requestOf('AcceptToolResult', { type: 'tool-result', tool: plain, bytes: 9 }),
      ],
      ...(['ReadMemory', 'WriteMemory', 'ForgetMemory'] as const).flatMap(
        (name) =>
          [
            [action(name), owned, requestOf(name, memory)],
            [group('Memory'), owned, requestOf(name, memory)],
          ] as const,
      ),
      [group('Memory'), '!(resource has owner)', requestOf('ReadMemory', { ...memory, owner: '' })],
    ];
    for (const [scope, condition, request] of rows) {
      assert.ok(await holds(condition, request, scope), `${scope} ${condition}`);
      assert.ok(!(await holds(`!(${condition})`, request, scope)));
    }
  });

  test('a group holds its own actions and no others', async () => {
    const text = `@id("r") permit (principal, ${group('Memory')}, resource);
      @id("s") permit (principal, ${group('CallTool')}, resource);`;
    const point = pointOf(text);
    for (const request of [
      inputRequest(1),
      modelRequest('m'),
      requestOf('EmitOutput', { type: 'output' }),
      requestOf('AcceptToolResult', { type: 'tool-result', tool: toolOf({}), bytes: 9 }),
    ]) {
      assert.equal((await point.decide(request)).effect, 'deny');
    }
  });
});

suite('a question is refused', () => {
  const problemOf = (request: PolicyRequest): string => {
    const reading = readQuestion(request, ({ inputSchema }) => readArgumentType(inputSchema));
    return reading.type === 'refused' ? reading.problem : '';
  };

  test('when the host does not tell a sum that rules may need', () => {
    const request = callRequest(tool, { amount: 1 });
    assert.match(problemOf(request), /history has no exact whole number/);
    const odd = callRequest(
      tool,
      { amount: 1 },
      { history: { sums: { amount: { run: 0.5, day: 1 } } } },
    );
    assert.match(problemOf(odd), /history has no exact whole number/);
    assert.equal(problemOf(callRequest(tool, { amount: 1 }, { history: { sums } })), '');
  });

  test('when an action of ours has another kind of resource', () => {
    const memory = { type: 'memory', namespace: 'n', owner: '', bytes: 1 } as const;
    for (const request of [
      requestOf('EmitOutput', memory),
      requestOf('CallTool', memory),
      requestOf('ReadMemory', { type: 'output' }),
      requestOf('ListTool', { type: 'tool-result', tool, bytes: 1 }),
      requestOf('AcceptToolResult', { type: 'tool', tool, arguments: {} }),
    ]) {
      assert.equal(problemOf(request), 'the action does not go with the resource');
    }
  });

  test('when there is too much of a set', () => {
    const many = Array.from({ length: 2001 }, (_none, index) => `t${String(index)}`);
    assert.match(
      problemOf(modelRequest('m', { history: { toolsUsed: many } })),
      /too many members/,
    );
  });
});
