import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, Verifier } from '@sigstore/verify';
import { encodeBundle } from './bundle.ts';
import { exportSigstoreBundles } from './export-sigstore.ts';
import { ada, ben, cleo, files, forge, manifest } from './fixtures/signed-bundles.ts';
import { signBundle } from './sign-bundle.ts';

const envelope = signBundle(encodeBundle(manifest, files), [ada, ben]);
const publicKeys = new Map(
  [ada, ben, cleo].map(({ keyId, publicKeyPem }) => [keyId, publicKeyPem]),
);

/** With public keys there is no log and no timestamp to ask for. */
const verifier = new Verifier(
  {
    certificateAuthorities: [],
    timestampAuthorities: [],
    tlogs: [],
    ctlogs: [],
    publicKey: (hint) => ({
      publicKey: createPublicKey(publicKeys.get(hint) ?? ''),
      validFor: () => true,
    }),
  },
  { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 },
);

function verify(text: string): void {
  const json: unknown = JSON.parse(text);
  verifier.verify(toSignedEntity(bundleFromJSON(json)));
}

test('the verifier of Sigstore takes one bundle for each signer', () => {
  const bundles = exportSigstoreBundles(envelope);
  assert.deepEqual(
    bundles.map(({ keyId }) => keyId),
    [ada.keyId, ben.keyId].sort(),
  );
  for (const { text } of bundles) assert.doesNotThrow(() => verify(text));
});

test('and refuses other content, another signature and another key', () => {
  for (const { keyId, text } of exportSigstoreBundles(envelope)) {
    // The export above is of this form.
    const { dsseEnvelope } = JSON.parse(text) as {
      dsseEnvelope: { payload: string; signatures: readonly { sig: string }[] };
    };
    const { payload, signatures } = dsseEnvelope;
    const payloadText = Buffer.from(payload, 'base64').toString();
    const other = Buffer.from(payloadText.replace('"revision":7', '"revision":8'));
    const signature = Buffer.from(signatures[0]?.sig ?? '', 'base64');
    signature[40] = (signature[40] ?? 0) ^ 1;
    const changes: readonly (readonly [string, string])[] = [
      [payload, other.toString('base64')],
      [signatures[0]?.sig ?? '', signature.toString('base64')],
      [keyId, cleo.keyId],
      ['policy-bundle.v1', 'trust-root.v1'],
    ];
    for (const [from, to] of changes) {
      assert.ok(text.includes(from));
      assert.throws(() => verify(text.replaceAll(from, to)), { code: 'SIGNATURE_ERROR' });
    }
  }
});

test('a key that signed twice has one bundle, and what is no envelope has none', () => {
  const payload = encodeBundle(manifest, files);
  assert.equal(exportSigstoreBundles(forge(payload, [ada, ada])).length, 1);
  assert.throws(() => exportSigstoreBundles('{}'), { code: 'validation_failed' });
});
