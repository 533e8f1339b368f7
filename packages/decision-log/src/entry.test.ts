import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, PolicyRequest, PolicyResource } from '@modelhost/kernel';
import fc from 'fast-check';
import { createSubjectDigests, digestSubject, openRow, sealEntry } from './entry.ts';
import type { LogEntry } from './entry.ts';
import { callEntry, startMs } from './fixtures/entries.ts';
import type { EntryChange } from './fixtures/entries.ts';
import { createTestKeys } from './fixtures/test-keys.ts';
import { createTestRedactor } from './fixtures/test-redactor.ts';

const keys = createTestKeys();
const digestOf = createSubjectDigests(keys);
const parts = { keys, redactor: createTestRedactor(), digestOf };

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
      const row = sealEntry(parts, entry);
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

const card = ['4111', '1111', '1111', '1111'].join(' ');
const secret = ['ghp', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('_');

/** What is in the row, as whoever opens it reads it. */
function opened(change: EntryChange, redactor = createTestRedactor()) {
  const { request, masked } = openRow(keys, {
    ...sealEntry({ keys, redactor, digestOf }, callEntry(change)),
    id: 1,
  });
  assert.ok(request.resource.type === 'tool');
  return { values: request.resource.arguments, masked, context: request.context };
}

test('what the decision hides is hidden in what is kept of its arguments, in the style that it says', () => {
  const values = {
    to: ['ann@example.org', 'none'],
    note: { text: `Call with ${card}, or write to bob@example.org.`, pages: 2 },
  };
  const detectors = { email: 'token', card: 'drop' } as const;
  assert.deepEqual(opened({ arguments: values, detectors }), {
    values: {
      to: [{ $hidden: '[EMAIL]', $type: 'string' }, 'none'],
      note: {
        text: { $hidden: 'Call with , or write to [EMAIL].', $type: 'string' },
        pages: 2,
      },
    },
    masked: ['note.text', 'to'],
    context: {
      ...callEntry().request.context,
      // Few calls are possible, so theirs would tell.
      callDigest: opened({ arguments: values, detectors }).context.callDigest,
    },
  });
  assert.notEqual(opened({ arguments: values, detectors }).context.callDigest, 'call-1');
  // Of another decision nothing is hidden.
  assert.deepEqual(opened({ arguments: values }).values, values);
  assert.deepEqual(opened({ arguments: { to: 'none' }, detectors }).masked, []);
});

test('no placeholder stands in what is kept: none could be turned back', () => {
  const change = {
    arguments: { to: 'ann@example.org' },
    detectors: { email: 'placeholder' },
  } as const;
  assert.deepEqual(opened(change).values, { to: { $hidden: '[EMAIL]', $type: 'string' } });
});

test('what is hidden always is hidden too, whoever asked for the decision', () => {
  const redactor = createTestRedactor({ secrets: 'token' });
  const { values } = opened({ arguments: { note: `with ${secret}` } }, redactor);
  assert.deepEqual(values, { note: { $hidden: 'with [SECRET]', $type: 'string' } });
});

test('where something cannot be hidden, no arguments are kept', () => {
  const none = { 'no such detector': 'token' } as const;
  const { values, masked } = opened({ arguments: { to: 'ann@example.org' }, detectors: none });
  assert.deepEqual([values, masked], [{}, ['*']]);
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

test('a digest that is remembered is the same, however many there were meanwhile', () => {
  const names = Array.from({ length: 600 }, (_, at) => [`t${at % 3}`, `s${at}`] as const);
  for (const [tenant, subject] of [...names, ...names.toReversed()]) {
    assert.equal(digestOf(tenant, subject), digestSubject(keys, tenant, subject));
  }
});

test('a row does not open as one of another tenant, nor when it is of a later version', () => {
  const row = { ...sealEntry(parts, callEntry()), id: 1 };
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
