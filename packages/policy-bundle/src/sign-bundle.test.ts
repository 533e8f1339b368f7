import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBundle } from './bundle.ts';
import { ada, ben, eve, files, forge, forgeWith, manifest } from './fixtures/signed-bundles.ts';
import { signBundle } from './sign-bundle.ts';

const payload = encodeBundle(manifest, files);

test('what no host would take is neither built nor signed', () => {
  assert.throws(() => encodeBundle({ ...manifest, revision: 1.5 }, files), {
    code: 'validation_failed',
    message: /^revision: must be a whole number from 1 to \d+; correct it/,
  });
  assert.throws(() => encodeBundle(manifest, [{ path: '../a', content: '' }]), {
    code: 'validation_failed',
    message: /^files\[0\]\.path: must be .+; rename the file$/,
  });
  assert.throws(() => encodeBundle(manifest, [{ path: 'a', content: '\u{DC00}' }]), {
    code: 'validation_failed',
    message: /^files\[0\]\.content: /,
  });
  assert.throws(() => signBundle(Buffer.from('{"revision":1}'), [ada]), {
    code: 'validation_failed',
    message: /^formatVersion: /,
  });
  assert.throws(() => signBundle(forgeWith({ mode: 'off' }), [ada]), {
    code: 'validation_failed',
    message: /^mode: /,
  });
  assert.throws(() => signBundle('{}', [ada]), { code: 'validation_failed' });
});

test('a second signature by one key takes the place of its first', () => {
  const once = signBundle(payload, [ada]);
  assert.equal(signBundle(once, [ada]), once);
  assert.equal(signBundle(forge(payload, [ada, ada]), [ada]), once);
  assert.equal(signBundle(payload, [ada, ada]), once);
});

test('the signatures of others stay', () => {
  const keyIds = (text: string): readonly string[] =>
    [...text.matchAll(/"keyid": "([0-9a-f]+)"/g)].map(([, keyId]) => keyId ?? '');
  const all = [ada.keyId, ben.keyId, eve.keyId].sort();
  assert.deepEqual(keyIds(signBundle(forge(payload, [eve, ben]), [ada])), all);
});

test('there is at least one signature and at most 16', () => {
  assert.throws(() => signBundle(payload, []), {
    code: 'validation_failed',
    message: /^signatures: 0, must be 1 to 16; /,
  });
  const many = Array.from({ length: 17 }, (_, index) => ({
    ...ada,
    keyId: `${index}`.padStart(64, '0'),
  }));
  assert.throws(() => signBundle(payload, many), { message: /^signatures: 17, / });
});

test('a bundle that its envelope makes too large is not signed', () => {
  const large = Array.from({ length: 60 }, (_, index) => ({
    path: `${index}.cedar`,
    content: 'a'.repeat(262_144),
  }));
  assert.throws(() => signBundle(encodeBundle(manifest, large), [ada]), {
    code: 'validation_failed',
    message: /^envelope: \d+ bytes, at most 16777216; /,
  });
});
