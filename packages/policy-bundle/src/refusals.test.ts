import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envelopeRefusals } from './fixtures/envelope-refusals.ts';
import { fileRefusals } from './fixtures/file-refusals.ts';
import { payloadRefusals } from './fixtures/payload-refusals.ts';
import { options } from './fixtures/signed-bundles.ts';
import type { BundleRefusal } from './refusals.ts';
import { verifyBundle } from './verify-bundle.ts';

const refused = [...envelopeRefusals, ...payloadRefusals, ...fileRefusals];

for (const { title, code, field, envelope, changes } of refused) {
  test(`refused as ${code}: ${title}`, () => {
    const result = verifyBundle(Buffer.from(envelope), { ...options, ...changes });
    assert.equal(result.type === 'refused' ? result.code : result.type, code);
    assert.ok(result.type === 'refused');
    assert.ok(result.message.startsWith(`${field}: `), result.message);
    // What is wrong, and after the last semicolon what to do about it.
    assert.match(result.message, /: .{8,}; .{4,}$/);
  });
}

test('every reason there is has its case', () => {
  const all: Readonly<Record<BundleRefusal, true>> = {
    'too-large': true,
    'not-json': true,
    envelope: true,
    'payload-type': true,
    base64: true,
    'no-signatures': true,
    'too-many-signatures': true,
    'trust-root-expired': true,
    'unknown-key': true,
    'bad-signature': true,
    'revoked-key': true,
    'expired-key': true,
    'key-scope': true,
    threshold: true,
    'payload-not-json': true,
    'payload-not-canonical': true,
    'format-version': true,
    manifest: true,
    name: true,
    scope: true,
    'revision-rollback': true,
    'revision-reuse': true,
    'not-yet-valid': true,
    expired: true,
    'requires-host': true,
    'requires-cedar': true,
    'no-files': true,
    'too-many-files': true,
    'file-path': true,
    'file-duplicate': true,
    'file-order': true,
    'file-content': true,
    'file-size': true,
    'file-digest': true,
  };
  const shown = new Set(refused.map(({ code }) => code));
  assert.deepEqual([...shown].sort(), Object.keys(all).sort());
});
