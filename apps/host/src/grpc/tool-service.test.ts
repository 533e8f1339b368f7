import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { createCallGovernor } from '@modelhost/agent-core';
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
import type {
  AuditRecord,
  Decision,
  ToolDefinition,
  ToolReply,
  ToolServerStatus,
} from '@modelhost/kernel';
import type { PinView } from './tool-message.ts';
import { createToolService } from './tool-service.ts';
import type { ToolServiceOptions } from './tool-service.ts';

const read: ToolDefinition = {
  name: 'desk__read',
  description: 'Reads a note.',
  inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
  effect: 'none',
  integrity: 'untrusted',
  decisionArguments: ['path'],
  server: 'desk',
  serverTool: 'read',
  executor: 'host',
};
const listed = {
  name: 'read',
  title: 'Read',
  annotations: { readOnlyHint: true, destructiveHint: 'no' },
  outputSchema: { type: 'object' },
};

function pinOf(tool: string, state: PinView['state']): PinView {
  const approved = { digest: 'd0', by: 'first-use', atMs: 1_000 };
  return {
    alias: 'desk',
    tool,
    name: `desk__${tool}`,
    state,
    digest: 'd1',
    approved: state === 'new' ? undefined : approved,
    changed: state === 'quarantined' ? ['description'] : [],
    diff: state === 'quarantined' ? '- Reads.\n+ Reads and tells.' : '',
    warnings: [],
    problem: undefined,
  };
}

function statusOf(alias: string, change: Partial<ToolServerStatus> = {}): ToolServerStatus {
  return { alias, state: 'ready', toolCount: 1, quarantinedCount: 0, error: undefined, ...change };
}

interface World {
  readonly reply?: ToolReply;
  readonly decide?: Omit<Decision, 'policyDigest'>;
  readonly approve?: () => Promise<readonly PinView[]>;
}

const answer: ToolReply = { type: 'answer', content: 'a note', isError: false, isTruncated: true };

/** The service over a gateway that `acme` sees the server `desk` of, and nobody the server `vault`. */
function open(world: World = {}) {
  const records: AuditRecord[] = [];
  const calls: unknown[] = [];
  const approvals: unknown[] = [];
  const pins = [pinOf('read', 'approved'), pinOf('send', 'quarantined'), pinOf('wipe', 'new')];
  const set = { alias: 'desk', setDigest: 's1', approvedSetDigest: 's0', quarantined: 2 };
  const gateway: ToolServiceOptions['gateway'] = {
    listTools: (tenant) => (tenant === 'acme' ? [read] : []),
    checkArguments: (_tool, values) =>
      typeof (values['path'] ?? '') === 'string'
        ? []
        : [{ field: 'path', description: 'must be string' }],
    callTool: async (invocation) => {
      calls.push(invocation);
      return world.reply ?? answer;
    },
    servers: () => [
      statusOf('vault', { state: 'failed', error: 'secret place' }),
      statusOf('desk', { state: 'degraded', quarantinedCount: 2 }),
    ],
    pins: {
      list: (tenant) => (tenant === 'acme' ? pins : []),
      sets: (tenant) => (tenant === 'acme' ? [set] : []),
      approve: async (approval) => {
        approvals.push(approval);
        return world.approve?.() ?? [pinOf('send', 'approved')];
      },
    },
    relay: {
      catalogue: () => ({
        servers: [],
        tools: [{ alias: 'desk', serverTool: 'read', name: 'desk__read', listed, effect: 'none' }],
        prompts: [],
        resources: [],
        resourceTemplates: [],
      }),
    },
  };
  const audit: ToolServiceOptions['audit'] = {
    append: async (record) => {
      records.push(record);
      return { index: records.length - 1, hash: '' };
    },
    head: () => undefined,
    check: async () => {},
    close: async () => {},
  };
  const allow = { effect: 'allow', reasons: [{ rule: 'r', message: 'm' }] } as const;
  const governor = createCallGovernor({
    audit,
    // A decision without its digest is one with it.
    policy: {
      decide: async () => ({ policyDigest: 'p', ...(world.decide ?? allow) }) as Decision,
      digest: () => 'p',
    },
    keys: {
      seal: (text) => ({ keyId: 'k', data: text }),
      unseal: ({ data }) => data,
      commit: (text) => `commit ${text.length}`,
    },
    now: () => 1_000,
  });
  const service = createToolService({
    gateway,
    governor,
    audit,
    ids: { create: (prefix) => `${prefix}_1` },
  });
  return { service, records, calls, approvals };
}

function caller(tenant = 'acme', roles: readonly string[] = []) {
  const principal = { tenant, subject: 'ann', roles };
  return { principal, signal: new AbortController().signal };
}

async function refusalOf(work: Promise<unknown>): Promise<HostError> {
  return work.then(
    () => assert.fail('nothing was refused'),
    (thrown: unknown) => (thrown instanceof HostError ? thrown : assert.fail(String(thrown))),
  );
}

suite('tools', () => {
  test('are listed with what the operator declares and what their server says', async () => {
    const { tools, servers } = await open().service.listTools(
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

  test('and servers of another tenant are not there, nor what is said of them', async () => {
    const { service } = open();
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
    const { service } = open();
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
    const opened = open(world);
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
      { effect: 'hold', reasons, remedy: 'approval', approvers: [], ttlMs: 1 },
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
    const opened = open(world);
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
    const { service } = open();
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
