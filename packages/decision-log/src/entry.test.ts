import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, PolicyRequest, PolicyResource } from '@modelhost/kernel';
import fc from 'fast-check';
import { digestSubject, openRow, sealEntry } from './entry.ts';
import type { LogEntry } from './entry.ts';
import { callEntry, startMs } from './fixtures/entries.ts';
import { createTestKeys } from './fixtures/test-keys.ts';

const keys = createTestKeys();

/** The tool of the usual entry. */
function usualTool(): Extract<PolicyResource, { readonly type: 'tool' }>['tool'] {
  const { resource } = callEntry().request;
  assert.ok(resource.type === 'tool');
  return resource.tool;
}

const tool = usualTool();
const text = fc.string({ unit: 'binary' });
const resources: fc.Arbitrary<readonly [PolicyResource, string]> = fc.oneof(
  // JSON has no number -0.
  fc
    .dictionary(text, fc.jsonValue({ noUnicodeString: false }))
    .map((values) => JSON.parse(JSON.stringify(values)) as JsonObject)
    .map((values) => [{ type: 'tool', tool, arguments: values }, tool.name] as const),
  fc.nat().map((bytes) => [{ type: 'tool-result', tool, bytes }, tool.name] as const),
  text.map(
    (id) => [{ type: 'model', id, provider: 'p', inputTokens: 1, maxOutputTokens: 2 }, id] as const,
  ),
  text.map((id) => [{ type: 'agent', id, inputBytes: 3 }, id] as const),
  fc.constant([{ type: 'output' }, ''] as const),
  text.map((owner) => [{ type: 'memory', namespace: owner, owner, bytes: 4 }, ''] as const),
);

function entryOf(resource: PolicyResource, change: Partial<PolicyRequest>): LogEntry {
  const usual = callEntry();
  return { ...usual, request: { ...usual.request, ...change, resource } };
}

test('every request comes back as it was, and only its name is in the clear', () => {
  fc.assert(
    fc.property(resources, text, text, ([resource, name], tenant, subject) => {
      const entry = entryOf(resource, { principal: { tenant, subject, roles: [subject] } });
      const row = sealEntry(keys, entry);
      const { request, decision, timeMs } = openRow(keys, { ...row, id: 7 });
      assert.deepEqual({ request, decision, timeMs }, entry);
      assert.deepEqual([row.resource, row.tenant, row.effect], [name, tenant, 'allow']);
      assert.equal(row.subject, digestSubject(keys, tenant, subject));
      assert.deepEqual(Object.keys(row).sort(), [
        'action',
        'effect',
        'keyId',
        'policyDigest',
        'resource',
        'rules',
        'sealed',
        'subject',
        'tenant',
        'timeMs',
      ]);
    }),
  );
});

test('a subject has another digest in another tenant and under another key', () => {
  const digests = [
    digestSubject(keys, 'acme', 'ann'),
    digestSubject(keys, 'other', 'ann'),
    digestSubject(keys, 'acme', 'Ann'),
    digestSubject(createTestKeys('another'), 'acme', 'ann'),
  ];
  assert.equal(new Set(digests).size, digests.length);
});

test('a row does not open as one of another tenant, nor when it is of a later version', () => {
  const row = { ...sealEntry(keys, callEntry()), id: 1 };
  assert.throws(() => openRow(keys, { ...row, tenant: 'other' }));
  const { keyId, data } = keys.seal(JSON.stringify({ v: 2 }), 'decision-log/entry/acme');
  const later = { ...row, keyId, sealed: Buffer.from(data, 'base64') };
  assert.throws(() => openRow(keys, later), {
    code: 'internal',
    message: 'an entry of the decision log is of a later version',
  });
});

test('an entry of the first version opens', () => {
  // Its form must never be changed: there are such entries on disks.
  const entry = callEntry({ timeMs: startMs, arguments: { to: 'x' } });
  const content = { v: 1, request: entry.request, masked: [], decision: entry.decision };
  const { keyId, data } = keys.seal(JSON.stringify(content), 'decision-log/entry/acme');
  const row = {
    id: 1,
    timeMs: startMs,
    tenant: 'acme',
    keyId,
    sealed: Buffer.from(data, 'base64'),
  };
  const { request, decision, masked } = openRow(keys, row);
  assert.deepEqual([request, decision, masked], [entry.request, entry.decision, []]);
});
