import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  ApproveToolsRequestSchema,
  CallToolRequestSchema,
  GetToolRequestSchema,
  ListToolPinsRequestSchema,
  ListToolServersRequestSchema,
  ListToolsRequestSchema,
  ToolEffect,
  ToolIntegrity,
  ToolPinState,
  ToolServerState,
} from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import type { ToolReply } from '@modelhost/kernel';
import { caller, openToolService, refusalOf } from '../fixtures/tool-service-world.ts';
import type { World } from '../fixtures/tool-service-world.ts';

suite('tools', () => {
  test('are listed with what the operator declares and what their server says', async () => {
    const { tools, servers } = await openToolService().service.listTools(
      create(ListToolsRequestSchema),
      caller(),
    );
    assert.partialDeepStrictEqual(tools, [
      {
        name: 'desk__read',
        effect: ToolEffect.NONE,
        integrity: ToolIntegrity.UNTRUSTED,
        decisionArguments: ['path'],
        annotations: { title: 'Read', readOnlyHint: true },
      },
    ]);
    assert.ok(
      tools?.[0]?.annotations !== undefined && !('destructiveHint' in tools[0].annotations),
    );
    assert.deepEqual(
      servers?.map(({ alias }) => alias),
      ['desk'],
    );
  });

  test('that policy always denies are listed only for whoever looks after the host', async () => {
    const askers: unknown[] = [];
    const { service } = openToolService({
      isVisible: (asker) => {
        askers.push(asker);
        return false;
      },
    });
    const namesFor = async (...roles: readonly string[]): Promise<unknown> => {
      const asked = service.listTools(create(ListToolsRequestSchema), caller('acme', roles));
      return (await asked).tools?.map(({ name }) => name);
    };
    for (const role of ['admin', 'auditor', 'operator', 'security']) {
      assert.deepEqual(await namesFor('lead', role), ['desk__read']);
    }
    assert.deepEqual(askers, []);
    assert.deepEqual(await namesFor('lead'), []);
    const { principal } = caller('acme', ['lead']);
    assert.deepEqual(askers, [{ principal, agent: 'direct', isDelegated: false }]);
  });

  test('and servers of another tenant are not there, nor what is said of them', async () => {
    const { service } = openToolService();
    const own = await service.listToolServers(create(ListToolServersRequestSchema), caller());
    assert.deepEqual(own.servers, [
      {
        alias: 'desk',
        state: ToolServerState.DEGRADED,
        toolCount: 1,
        quarantinedCount: 2,
        error: '',
      },
    ]);
    const other = caller('beta', ['admin']);
    assert.deepEqual(
      (await service.listToolServers(create(ListToolServersRequestSchema), other)).servers,
      [],
    );
    assert.deepEqual(
      (await service.listToolPins(create(ListToolPinsRequestSchema), other)).pins,
      [],
    );
    const looking = service.getTool(create(GetToolRequestSchema, { name: 'desk__read' }), other);
    assert.equal((await refusalOf(looking)).code, 'mcp_tool_not_found');
  });

  test('are described with their pin, also when they are held back', async () => {
    const { service } = openToolService();
    const ask = async (name: string) =>
      service.getTool(create(GetToolRequestSchema, { name }), caller());
    const whole = await ask('desk__read');
    assert.equal(whole.tool?.name, 'desk__read');
    assert.equal(whole.outputSchemaJson, '{"type":"object"}');
    assert.equal(whole.pin?.state, ToolPinState.APPROVED);
    const held = await ask('desk__send');
    assert.equal(held.tool, undefined);
    assert.partialDeepStrictEqual(held.pin, {
      state: ToolPinState.QUARANTINED,
      changed: ['description'],
      approvedBy: 'first-use',
    });
    assert.equal((await refusalOf(ask('desk__none'))).code, 'mcp_tool_not_found');
    assert.equal((await refusalOf(ask(''))).code, 'validation_failed');
  });
});

suite('a tool that is tried', () => {
  const ask = async (
    world: World,
    request: MessageInitShape<typeof CallToolRequestSchema>,
    tenant = 'acme',
  ) => {
    const opened = openToolService(world);
    const work = opened.service.callTool(create(CallToolRequestSchema, request), caller(tenant));
    return { ...opened, work };
  };

  test('is called for the caller, decided and on record', async () => {
    const { work, calls, records } = await ask(
      {},
      { name: 'desk__read', argumentsJson: '{"path":"a"}' },
    );
    const { callId, content, isError, truncated } = await work;
    assert.deepEqual([callId, content, isError, truncated], ['call_1', 'a note', false, true]);
    assert.partialDeepStrictEqual(calls, [
      {
        tool: 'desk__read',
        arguments: { path: 'a' },
        principal: { tenant: 'acme', subject: 'ann' },
      },
    ]);
    assert.deepEqual(
      records.map(({ kind, runId }) => [kind, runId]),
      [
        ['decision', 'call_1'],
        ['intent', 'call_1'],
        ['outcome', 'call_1'],
      ],
    );
  });

  test('is not called when policy denies or holds it', async () => {
    const reasons = [{ rule: 'no', message: 'not you' }];
    for (const decide of [
      { effect: 'deny', reasons },
      { effect: 'hold', reasons, remedies: ['approval'], gates: [], ttlMs: 1 },
    ] as const) {
      const { work, calls } = await ask({ decide }, { name: 'desk__read' });
      assert.equal((await refusalOf(work)).code, 'policy_violation');
      assert.equal(calls.length, 0);
    }
  });

  test('is not called with bad arguments, by another tenant, or when there is none', async () => {
    for (const [request, code, tenant] of [
      [{ name: 'desk__read', argumentsJson: '[1]' }, 'validation_failed'],
      [{ name: 'desk__read', argumentsJson: '{' }, 'validation_failed'],
      [
        { name: 'desk__read', argumentsJson: `{"path":"${'x'.repeat(300_000)}"}` },
        'validation_failed',
      ],
      [{ name: 'desk__read', argumentsJson: '{"path":7}' }, 'tool_arguments_invalid'],
      [{ name: 'desk__send' }, 'mcp_tool_not_found'],
      [{ name: 'desk__read' }, 'mcp_tool_not_found', 'beta'],
    ] as const) {
      const { work, calls, records } = await ask({}, request, tenant);
      assert.equal((await refusalOf(work)).code, code);
      assert.deepEqual([calls, records], [[], []]);
    }
  });

  test('that asks for input is given up, with its outcome on record', async () => {
    const reply: ToolReply = { type: 'input-required', state: '', requests: {} };
    const { work, records } = await ask({ reply }, { name: 'desk__read' });
    assert.equal((await refusalOf(work)).code, 'failed_precondition');
    assert.equal(records.at(-1)?.facts['outcome'], 'input-required');
  });
});

suite('approving tools', () => {
  const send = [{ tool: 'send', digest: 'd1' }];
  const ask = (
    request: MessageInitShape<typeof ApproveToolsRequestSchema>,
    call = caller('acme', ['operator']),
    world: World = {},
  ) => {
    const opened = openToolService(world);
    const work = opened.service.approveTools(create(ApproveToolsRequestSchema, request), call);
    return { ...opened, work };
  };

  test('approves exactly what was looked at, on record before and after', async () => {
    const { work, approvals, records } = ask({ alias: 'desk', tools: send });
    assert.equal((await work).pins?.[0]?.state, ToolPinState.APPROVED);
    assert.deepEqual(approvals, [{ alias: 'desk', by: 'ann', tools: send }]);
    assert.deepEqual(
      records.map(({ kind, actor, facts }) => [kind, actor, facts['phase']]),
      [
        ['tool-pin', 'ann', 'intent'],
        ['tool-pin', 'ann', 'outcome'],
      ],
    );
    const all = ask({ alias: 'desk', setDigest: 's1' });
    await all.work;
    assert.deepEqual(all.approvals, [{ alias: 'desk', by: 'ann', setDigest: 's1' }]);
  });

  test('needs a role, a server of the tenant, and either tools or a digest', async () => {
    const refused: readonly (readonly [
      MessageInitShape<typeof ApproveToolsRequestSchema>,
      ReturnType<typeof caller>,
      string,
    ])[] = [
      [{ alias: 'desk', tools: send }, caller('acme', []), 'permission_denied'],
      [{ alias: 'desk', tools: send }, caller('acme', ['lead']), 'permission_denied'],
      [{ alias: 'desk', tools: send }, caller('beta', ['admin']), 'not_found'],
      [{ alias: 'vault', tools: send }, caller('acme', ['admin']), 'not_found'],
      [{ alias: 'desk' }, caller('acme', ['admin']), 'validation_failed'],
      [
        { alias: 'desk', tools: send, setDigest: 's1' },
        caller('acme', ['admin']),
        'validation_failed',
      ],
      [
        { alias: 'desk', tools: [{ tool: 'send' }] },
        caller('acme', ['admin']),
        'validation_failed',
      ],
    ];
    for (const [request, call, code] of refused) {
      const { work, approvals, records } = ask(request, call);
      assert.equal((await refusalOf(work)).code, code);
      assert.deepEqual([approvals, records], [[], []]);
    }
  });

  test('fails as a whole when something is not what was looked at, and that is on record', async () => {
    const { work, records } = ask({ alias: 'desk', tools: send }, caller('acme', ['admin']), {
      approve: async () => {
        throw new HostError('failed_precondition', 'look at it again');
      },
    });
    assert.equal((await refusalOf(work)).code, 'failed_precondition');
    assert.deepEqual(
      records.map(({ facts }) => [facts['phase'], facts['outcome'], facts['code']]),
      [
        ['intent', undefined, undefined],
        ['outcome', 'failed', 'failed_precondition'],
      ],
    );
  });

  test('what is pending can be listed alone, by server', async () => {
    const { service } = openToolService();
    const list = async (request: MessageInitShape<typeof ListToolPinsRequestSchema>) =>
      service.listToolPins(create(ListToolPinsRequestSchema, request), caller());
    const { pins, sets } = await list({ pendingOnly: true });
    assert.deepEqual(
      pins?.map(({ name }) => name),
      ['desk__send', 'desk__wipe'],
    );
    assert.deepEqual(sets, [
      { alias: 'desk', setDigest: 's1', approvedSetDigest: 's0', quarantinedCount: 2 },
    ]);
    assert.deepEqual((await list({ alias: 'other' })).pins, []);
  });
});
