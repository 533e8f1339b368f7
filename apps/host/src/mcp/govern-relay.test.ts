import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallGovernor, createCallLedger } from '@modelhost/agent-core';
import { noObligations } from '@modelhost/kernel';
import type { AuditRecord, PolicyRequest } from '@modelhost/kernel';
import type { ExchangeContext, ExchangeOutcome, McpRelay } from '@modelhost/mcp-gateway';
import { governRelay } from './govern-relay.ts';

const principal = { tenant: 'acme', subject: 'alice', roles: [] };

/** A relay that only counts who watches what. */
function open(isAllowed: boolean, outcome?: ExchangeOutcome) {
  const watched: string[] = [];
  const abandoned: string[] = [];
  const records: AuditRecord[] = [];
  const questions: PolicyRequest[] = [];
  const relay: McpRelay = {
    catalogue: () => assert.fail(),
    exchange: async () => outcome ?? assert.fail(),
    abandon: (_principal, _alias, state) => void abandoned.push(state),
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
    calls: createCallLedger(),
    now: () => 0,
  });
  const tools = { listTools: () => [], checkArguments: () => [] };
  const ids = { create: (prefix: string) => `${prefix}_1` };
  const governed = governRelay({ relay, tools, governor, ids });
  return { relay: governed, watched, abandoned, records, questions };
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

for (const [url, isShown] of [
  ['https://shop.example.com/pay?id=1', true],
  ['http://127.0.0.1:8080/callback', true],
  ['http://shop.example.com/pay', false],
  ['javascript:alert(1)', false],
  ['file:///etc/passwd', false],
  ['https://bank.example.com@evil.example.com/', false],
  ['', false],
] as const) {
  test(`abuse A13: a person is ${isShown ? '' : 'not '}sent to "${url}"`, async () => {
    const { relay, abandoned } = open(true, {
      kind: 'input-required',
      inputRequests: {
        link: { method: 'elicitation/create', params: { mode: 'url', message: 'Open it.', url } },
      },
      requestState: 'parked-1',
    });
    const context: ExchangeContext = {
      principal,
      signal: new AbortController().signal,
      timeoutMs: 1_000,
      capabilities: {},
      meta: {},
    };
    const read = { method: 'resources/read', params: { uri: 'note://one' } } as const;
    const asked = relay.exchange({ alias: 'desk' }, read, context);
    if (isShown) assert.equal((await asked).kind, 'input-required');
    else await assert.rejects(asked, { code: 'mcp_protocol_error' });
    assert.deepEqual(abandoned, isShown ? [] : ['parked-1']);
  });
}
