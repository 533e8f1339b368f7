import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Hex } from '@modelhost/kernel';
import fc from 'fast-check';
import { encodeBundle } from './bundle.ts';
import { at, payload, sound } from './fixtures/refusal-case.ts';
import {
  ada,
  ben,
  cleo,
  dan,
  eve,
  files,
  finn,
  forge,
  forgeWith,
  gus,
  makeTrust,
  manifest,
  options,
} from './fixtures/signed-bundles.ts';
import { readUnverifiedBundle } from './read-unverified-bundle.ts';
import { signBundle } from './sign-bundle.ts';
import { verifyBundle, type VerifyOptions } from './verify-bundle.ts';

const text = payload.toString();

function verify(envelope: string | Uint8Array, changes: Partial<VerifyOptions> = {}) {
  return verifyBundle(Buffer.from(envelope), { ...options, ...changes });
}

test('a sound bundle says what it holds and who signed it', () => {
  const result = verify(forge(payload, [ben, ada, eve, dan, finn, cleo]), {
    name: 'base',
    scope: 'platform',
    mark: { revision: 7, digest: sha256Hex(text) },
  });
  assert.deepEqual(result, {
    type: 'verified',
    bundle: {
      manifest,
      files: [...files].sort((a, b) => (a.path < b.path ? -1 : 1)),
      digest: sha256Hex(text),
    },
    signedBy: [ada.keyId, ben.keyId].sort(),
    isStale: false,
  });
});

test('a key of one tenant signs for it, and one of every tenant for any', () => {
  const acme = { scope: { tenant: 'acme' } };
  const beta = { scope: { tenant: 'beta' } };
  assert.equal(verify(forgeWith(acme, [cleo])).type, 'verified');
  assert.equal(verify(forgeWith(acme, [ben]), acme).type, 'verified');
  assert.equal(verify(forgeWith(beta, [ada])).type, 'verified');
});

test('the threshold of a scope is the one that counts', () => {
  const trust = makeTrust({ thresholds: { root: 1, platform: 1, tenant: 2 } });
  assert.equal(verify(sound, { trust }).type, 'verified');
  const acme = { scope: { tenant: 'acme' } };
  const one = verify(forgeWith(acme), { trust });
  assert.equal(one.type === 'refused' && one.code, 'threshold');
  assert.equal(verify(forgeWith(acme, [cleo, ben]), { trust }).type, 'verified');
});

test('a root that nobody read and that asks for nothing still asks for one good signature', () => {
  const none = { ...options.trust, thresholds: { root: 0, platform: 0, tenant: 0 } };
  const unsigned = verify(forge(payload, [eve]), { trust: none });
  assert.equal(unsigned.type === 'refused' && unsigned.code, 'unknown-key');
  const lent = options.trust.keys.map((key) => ({ ...key, publicKeyPem: eve.publicKeyPem }));
  const forged = forge(payload, [{ ...eve, keyId: ada.keyId }]);
  const borrowed = verify(forged, { trust: { ...options.trust, keys: lent } });
  assert.equal(borrowed.type === 'refused' && borrowed.code, 'bad-signature');
});

test('what is large is read only if it names a key that is known, however wrong it is', () => {
  const large = `{"payload":"${'a'.repeat(300_000)}`;
  const codeOf = (envelope: string): unknown => {
    const answer = verify(envelope);
    return answer.type === 'refused' && answer.code;
  };
  assert.equal(codeOf(`${large}${eve.keyId}`), 'unknown-key');
  assert.equal(codeOf(`${large}${ada.keyId}`), 'not-json');
});

test('what was built and not signed yet is told apart from what is no bundle', () => {
  const unsigned = verify(payload);
  assert.ok(unsigned.type === 'refused');
  assert.equal(unsigned.code, 'no-signatures');
  assert.match(unsigned.message, /not signed yet/);
  const other = verify('{"payloadType":"text/plain"}');
  assert.equal(other.type === 'refused' && other.code, 'payload-type');
});

test('clocks may be five minutes apart, both ways', () => {
  assert.equal(verify(sound, at('2026-10-31T23:55:00Z')).type, 'verified');
  assert.equal(verify(sound, at('2027-01-01T00:04:59Z')).type, 'verified');
});

test('within the grace, what is over is taken and told to be stale', () => {
  const graceMs = 86_400_000;
  const stale = (envelope: string, changes: Partial<VerifyOptions>): unknown => {
    const result = verify(envelope, { graceMs, ...changes });
    return result.type === 'verified' ? result.isStale : result.code;
  };
  assert.equal(stale(sound, at('2026-12-31T00:00:00Z')), false);
  assert.equal(stale(sound, at('2027-01-01T12:00:00Z')), true);
  assert.equal(stale(sound, at('2027-01-02T00:05:00Z')), 'expired');
  const early = forgeWith({ notBefore: '2026-06-01T00:00:00Z' }, [dan]);
  assert.equal(stale(early, at('2026-07-01T12:00:00Z')), true);
  assert.equal(stale(early, at('2026-07-02T12:00:00Z')), 'expired-key');
  const late = forgeWith({ expires: '2028-01-01T00:00:00Z' });
  assert.equal(stale(late, at('2027-12-01T12:00:00Z')), true);
  assert.equal(stale(late, at('2027-12-02T12:00:00Z')), 'trust-root-expired');
});

test('no number and order of signatures by one key makes two keys of it', () => {
  const trust = makeTrust({ thresholds: { root: 1, platform: 2, tenant: 2 } });
  const others = [eve, dan, finn, cleo, gus];
  fc.assert(
    fc.property(
      fc.constantFrom(ada, ben),
      fc.array(fc.constantFrom(0, 0, 1, 2, 3, 4, 5), { minLength: 1, maxLength: 16 }),
      (signer, picks) => {
        const result = verify(
          forge(
            payload,
            picks.map((pick) => others[pick - 1] ?? signer),
          ),
          { trust },
        );
        assert.equal(result.type, 'refused');
      },
    ),
    { numRuns: 150 },
  );
  assert.equal(verify(forge(payload, [ada, ben]), { trust }).type, 'verified');
});

test('the order of signatures changes nothing', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([ada, ben, dan, eve, cleo], { minLength: 5 }), (signers) => {
      const result = verify(forge(payload, signers));
      assert.ok(result.type === 'verified');
      assert.deepEqual(result.signedBy, [ada.keyId, ben.keyId].sort());
      const [first, ...rest] = signers.filter(({ keyId }) => keyId !== ben.keyId);
      assert.ok(first !== undefined);
      const oneByOne = rest.reduce(
        (envelope, signer) => signBundle(envelope, [signer]),
        signBundle(payload, [first]),
      );
      assert.equal(oneByOne, signBundle(payload, [ada, dan, eve, cleo]));
    }),
    { numRuns: 20 },
  );
});

test('what a builder puts in comes out at the other end', () => {
  const path = fc.stringMatching(/^[a-z0-9_]{1,8}(?:\/[A-Z][a-z.-]{0,6}x){0,3}\.t$/);
  const file = fc.record(
    { path, content: fc.string({ unit: 'grapheme', maxLength: 200 }) },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(file, {
        minLength: 1,
        maxLength: 12,
        selector: (one) => one.path.toLowerCase(),
      }),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      fc.constantFrom('enforce' as const, 'shadow' as const),
      fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 4 }),
      (built, revision, mode, canary) => {
        const bytes = encodeBundle({ ...manifest, revision, mode, canary }, built);
        const result = verify(signBundle(bytes, [ada]));
        assert.ok(result.type === 'verified');
        assert.deepEqual(result.bundle.manifest, {
          ...manifest,
          revision,
          mode,
          canary: canary.sort(),
        });
        const sorted = [...built].sort((a, b) => (a.path < b.path ? -1 : 1));
        assert.deepEqual(result.bundle.files, sorted);
        assert.deepEqual(encodeBundle(result.bundle.manifest, [...built].reverse()), bytes);
      },
    ),
    { numRuns: 60 },
  );
});

test('a bundle can be shown without being trusted', () => {
  const result = readUnverifiedBundle(Buffer.from(forge(payload, [eve])));
  assert.ok(result.type === 'unverified');
  assert.deepEqual(result.keyIds, [eve.keyId]);
  assert.equal(result.bundle.digest, sha256Hex(text));
  const broken = readUnverifiedBundle(Buffer.from(forgeWith({ mode: 'off' })));
  assert.equal(broken.type === 'refused' && broken.code, 'manifest');
});
