import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallGovernor } from '@modelhost/agent-core';
import type { AuditRecord, PolicyRequest } from '@modelhost/kernel';
import type { McpRelay } from '@modelhost/mcp-gateway';
import { governRelay } from './govern-relay.ts';

const principal = { tenant: 'acme', subject: 'alice', roles: [] };

/** A relay that only counts who watches what. */
function open(isAllowed: boolean) {
  const watched: string[] = [];
  const records: AuditRecord[] = [];
  const questions: PolicyRequest[] = [];
  const relay: McpRelay = {
    catalogue: () => assert.fail(),
    exchange: () => assert.fail(),
    abandon: () => {},
    onChange: () => () => {},
    watchResource: (_principal, _alias, uri) => {
      watched.push(uri);
      return () => void watched.splice(watched.indexOf(uri), 1);
    },
  };
  const governor = createCallGovernor({
    policy: {
      decide: async (request) => {
        questions.push(request);
        const basis = { reasons: [{ rule: 'r', message: 'm' }], policyDigest: 'd' };
        return { ...basis, effect: isAllowed ? 'allow' : 'deny' };
      },
      digest: () => 'd',
    },
    audit: {
      append: async (record) => {
        records.push(record);
        return { index: records.length - 1, hash: '' };
      },
      head: () => undefined,
      check: async () => {},
      close: async () => {},
    },
    keys: { seal: () => ({ keyId: 'k', data: '' }), unseal: () => '', commit: () => 'c' },
    now: () => 0,
  });
  const tools = { listTools: () => [], checkArguments: () => [] };
  const ids = { create: (prefix: string) => `${prefix}_1` };
  return { relay: governRelay({ relay, tools, governor, ids }), watched, records, questions };
}

const settled = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('watching a resource is decided as reading it, and on record', async () => {
  const { relay, watched, records, questions } = open(true);
  const stop = relay.watchResource(principal, 'desk', 'note://one');
  await settled();
  assert.deepEqual(watched, ['note://one']);
  assert.equal(questions[0]?.resource.type, 'tool');
  assert.deepEqual(
    records.map(({ kind, facts }) => [kind, facts['tool']]),
    ['decision', 'intent', 'outcome'].map((kind) => [kind, 'desk__mcp-resources-read']),
  );
  stop();
  assert.deepEqual(watched, []);
});

test('a resource that may not be read is never watched, nor one whose watcher has gone', async () => {
  const denied = open(false);
  denied.relay.watchResource(principal, 'desk', 'note://secret');
  await settled();
  assert.deepEqual([denied.watched, denied.records.map(({ kind }) => kind)], [[], ['decision']]);
  const allowed = open(true);
  allowed.relay.watchResource(principal, 'desk', 'note://one')();
  await settled();
  assert.deepEqual(allowed.watched, []);
});
