import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallGovernor, createCallLedger } from '@modelhost/agent-core';
import { noObligations } from '@modelhost/kernel';
import type {
  AuditRecord,
  Keys,
  PolicyEngine,
  PolicyRequest,
  ToolDefinition,
} from '@modelhost/kernel';
import type { McpRelay, RelayTool } from '@modelhost/mcp-gateway';
import { createHostRedactor } from '@modelhost/redaction';
import { createAuditList } from '../fixtures/audit-list.ts';
import { governRelay } from './govern-relay.ts';

const keys: Keys = { seal: () => ({ keyId: 'k', data: '' }), unseal: () => '', commit: () => 'c' };
const principal = { tenant: 'acme', subject: 'alice', roles: [] };

function toolOf(serverTool: 'read' | 'wipe'): ToolDefinition {
  return {
    name: `desk__${serverTool}`,
    description: '',
    inputSchema: { type: 'object' },
    effect: serverTool === 'read' ? 'none' : 'irreversible',
    integrity: 'untrusted',
    decisionArguments: [],
    server: 'desk',
    serverTool,
    executor: 'host',
  };
}

/** A relay that only counts who watches what. */
function open(isAllowed: boolean, isOnRecord: (record: AuditRecord) => boolean = () => true) {
  const watched: string[] = [];
  const records: AuditRecord[] = [];
  const questions: PolicyRequest[] = [];
  const relay: McpRelay = {
    catalogue: () => assert.fail(),
    exchange: async () => assert.fail(),
    abandon: () => assert.fail(),
    onChange: () => () => {},
    watchResource: async (_principal, _alias, uri) => {
      watched.push(uri);
      return () => void watched.splice(watched.indexOf(uri), 1);
    },
  };
  const governor = createCallGovernor({
    policy: {
      decide: async (request) => {
        questions.push(request);
        const basis = {
          reasons: [{ rule: 'r', message: 'm' }],
          obligations: noObligations,
          policyDigest: 'd',
          bundles: [],
        };
        return { ...basis, effect: isAllowed ? 'allow' : 'deny' };
      },
      visible: async (_asker, tools) => tools,
      digest: () => 'd',
    },
    audit: createAuditList(records, isOnRecord),
    keys,
    redactor: createHostRedactor({ always: {}, keys }),
    calls: createCallLedger(),
    now: () => 0,
  });
  const seenBy: unknown[] = [];
  const policy: Pick<PolicyEngine, 'visible'> = {
    visible: async (asker, asked) => {
      seenBy.push(asker);
      return asked.filter(({ effect }) => effect === 'none');
    },
  };
  let listeners = 0;
  const tools = { listTools: () => [toolOf('read'), toolOf('wipe')], checkArguments: () => [] };
  const ids = { create: (prefix: string) => `${prefix}_1` };
  const governed = governRelay({
    relay,
    tools,
    governor,
    policy,
    ids,
    onPolicyChange: (listener) => {
      listeners += 1;
      listener();
      return () => void (listeners -= 1);
    },
  });
  const count = (): number => listeners;
  return { relay: governed, watched, records, questions, seenBy, listeners: count };
}

test('watching a resource is decided as reading it, and on record', async () => {
  const { relay, watched, records, questions } = open(true);
  const stop = await relay.watchResource(principal, 'desk', 'note://one');
  assert.deepEqual(watched, ['note://one']);
  assert.equal(questions[0]?.resource.type, 'tool');
  assert.deepEqual(
    records.map(({ kind, facts }) => [kind, facts['tool']]),
    ['decision', 'intent', 'outcome'].map((kind) => [kind, 'desk__mcp-resources-read']),
  );
  stop();
  assert.deepEqual(watched, []);
});

test('a resource that may not be read is never watched, and whoever asked hears why', async () => {
  const { relay, watched, records } = open(false);
  await assert.rejects(relay.watchResource(principal, 'desk', 'note://secret'), {
    code: 'policy_violation',
  });
  assert.deepEqual([watched, records.map(({ kind }) => kind)], [[], ['decision']]);
});

test('a watch whose outcome cannot be put on record does not go on', async () => {
  const { relay, watched } = open(true, ({ kind }) => kind !== 'outcome');
  await assert.rejects(relay.watchResource(principal, 'desk', 'note://one'));
  assert.deepEqual(watched, []);
});

test('a caller sees what policy could allow it by this way in, and nothing that cannot be called', async () => {
  const { relay, seenBy, questions, records } = open(true);
  const asked = ['read', 'wipe', 'gone'].map((serverTool): RelayTool => {
    const names = { alias: 'desk', serverTool, name: `desk__${serverTool}` };
    return { ...names, listed: {}, effect: 'none' };
  });
  assert.deepEqual(await relay.visible?.(principal, asked), new Set(['desk__read']));
  assert.deepEqual(seenBy, [{ principal, agent: 'mcp', isDelegated: false }]);
  // To look is no call.
  assert.deepEqual([questions, records], [[], []]);
});

test('when policy is another, whoever listens hears that other tools may be seen', () => {
  const { relay, listeners } = open(true);
  const heard: unknown[] = [];
  const stop = relay.onChange((change) => heard.push(change));
  assert.deepEqual([heard, listeners()], [[{ type: 'visibility' }], 1]);
  stop();
  assert.equal(listeners(), 0);
});
