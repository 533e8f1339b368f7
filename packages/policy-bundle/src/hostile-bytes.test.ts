import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson, sha256Hex, type Json } from '@modelhost/kernel';
import fc from 'fast-check';
import { payload } from './fixtures/refusal-case.ts';
import {
  ada,
  eve,
  forge,
  makeTrust,
  manifest,
  options,
  payloadObject,
  trustKey,
} from './fixtures/signed-bundles.ts';
import type { Signer } from './keys.ts';
import { signBundle } from './sign-bundle.ts';
import { verifyBundle } from './verify-bundle.ts';

/** How many of so many envelopes with one changed byte are taken, after making sure that they are the same bundle. */
function countAccepted(signers: readonly Signer[], numRuns: number): number {
  const trust = makeTrust({
    keys: [trustKey(ada, ['root', 'platform', 'tenant:*']), trustKey(eve, ['platform'])],
    revoked: [],
  });
  const envelope = Buffer.from(signBundle(payload, signers));
  const digest = sha256Hex(payload.toString());
  let accepted = 0;
  fc.assert(
    fc.property(fc.nat(envelope.length - 1), fc.integer({ min: 1, max: 255 }), (place, change) => {
      const changed = Buffer.from(envelope);
      changed[place] = (changed[place] ?? 0) ^ change;
      const result = verifyBundle(changed, { ...options, trust });
      if (result.type === 'refused') return;
      accepted += 1;
      assert.equal(result.bundle.digest, digest);
      assert.deepEqual(result.bundle.manifest, manifest);
      assert.ok(result.signedBy.every((id) => signers.some(({ keyId }) => keyId === id)));
    }),
    { numRuns, seed: 1 },
  );
  return accepted;
}

test('of 3,000 changed bytes none is accepted with other content', (t) => {
  const alone = countAccepted([ada], 3_000);
  const together = countAccepted([ada, eve], 1_000);
  t.diagnostic(
    `the same bundle after a change: ${alone} of 3,000; with two signers ${together} of 1,000`,
  );
  // White space for white space.
  assert.ok(alone < 30);
  // The id of one key may become that of nobody, and the other key still counts.
  assert.ok(together < 100);
});

test('strangers can make it say neither yes nor throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        assert.equal(verifyBundle(bytes, options).type, 'refused');
      },
    ),
    { numRuns: 300 },
  );
  const name = fc.constantFrom(...Object.keys(payloadObject()));
  fc.assert(
    fc.property(name, fc.jsonValue({ maxDepth: 8 }), (field, value) => {
      // fast-check's values are JSON.
      const changed = { ...payloadObject(), [field]: value as Json };
      const result = verifyBundle(Buffer.from(forge(canonicalJson(changed))), options);
      if (result.type === 'verified') assert.equal(typeof value, typeof payloadObject()[field]);
    }),
    { numRuns: 300 },
  );
});
