import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallGovernor, createCallLedger } from '@modelhost/agent-core';
import { noObligations } from '@modelhost/kernel';
import type { Keys } from '@modelhost/kernel';
import type { ExchangeOutcome, McpRelay } from '@modelhost/mcp-gateway';
import { createHostRedactor } from '@modelhost/redaction';
import fc from 'fast-check';
import { createAuditList } from '../fixtures/audit-list.ts';
import { governRelay } from './govern-relay.ts';

const keys: Keys = { seal: () => ({ keyId: 'k', data: '' }), unseal: () => '', commit: () => 'c' };
const name = 'annabel.lee';
const whole = `${'word '.repeat(10)}write to ${name}@example.org or not ${'word '.repeat(10)}`;

/** Reads a piece of a kept result, where only policy asks for addresses to be hidden. */
function openReading(): (from: number, to: number) => Promise<string> {
  let outcome: ExchangeOutcome = { kind: 'complete', result: {} };
  const relay: McpRelay = {
    catalogue: () => assert.fail(),
    exchange: async () => outcome,
    abandon: () => assert.fail(),
    onChange: () => () => {},
    watchResource: async () => assert.fail(),
  };
  const decision = {
    effect: 'allow',
    reasons: [{ rule: 'r', message: 'm' }],
    obligations: { ...noObligations, redact: { arguments: [], detectors: { email: 'token' } } },
    policyDigest: 'd',
    bundles: [],
  } as const;
  const policy = {
    decide: async () => decision,
    visible: async () => [],
    digest: () => 'd',
  };
  const governor = createCallGovernor({
    policy,
    audit: createAuditList([]),
    keys,
    redactor: createHostRedactor({ always: {}, keys }),
    calls: createCallLedger(),
    now: () => 0,
  });
  const governed = governRelay({
    relay,
    tools: { listTools: () => [], checkArguments: () => [] },
    governor,
    policy,
    onPolicyChange: () => () => {},
    ids: { create: (prefix) => `${prefix}_1` },
  });
  return async (from, to) => {
    const text = whole.slice(from, to);
    const contents = [{ uri: 'result://1', text }];
    const part = { index: 0, before: whole.slice(0, from), isCut: to < whole.length };
    outcome = { kind: 'complete', result: { contents }, part };
    const { signal } = new AbortController();
    const given = await governed.exchange(
      { alias: 'desk' },
      { method: 'resources/read', params: { uri: 'result://1' } },
      {
        principal: { tenant: 'acme', subject: 'alice', roles: [] },
        signal,
        timeoutMs: 1,
        capabilities: {},
        meta: {},
      },
    );
    return JSON.stringify(given);
  };
}

test('wherever a piece begins and ends, no part of a value is in it that policy wants hidden', async () => {
  const read = openReading();
  const places = fc.nat({ max: whole.length });
  await fc.assert(
    fc.asyncProperty(places, places, async (one, other) => {
      const [from, to] = [Math.min(one, other), Math.max(one, other)];
      const piece = await read(from, to);
      assert.doesNotMatch(piece, /anna|abel|lee|exam|ple\.|\.org/);
      // Nobody hears of what stands before it.
      assert.equal(piece.includes('part'), false);
    }),
    { numRuns: 300 },
  );
  assert.match(await read(0, whole.length), /write to \[EMAIL\] or not word/);
});
