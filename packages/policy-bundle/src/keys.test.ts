import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash } from 'node:crypto';
import { test } from 'node:test';
import {
  createSigningKey,
  isSignatureBy,
  keyIdOf,
  readPublicKey,
  readSigningKey,
  type SigningKeyKind,
} from './keys.ts';

const kinds: readonly SigningKeyKind[] = ['ed25519', 'p256'];
const data = Buffer.from('data');

/** The same P-256 key with its point compressed, as other tools may write it. */
function compress(publicKeyPem: string): string {
  const { x = '', y = '' } = createPublicKey(publicKeyPem).export({ format: 'jwk' });
  const head = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex');
  const sign = 2 + ((Buffer.from(y, 'base64url').at(-1) ?? 0) & 1);
  const der = Buffer.concat([head, Buffer.from([sign]), Buffer.from(x, 'base64url')]);
  return `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;
}

for (const kind of kinds) {
  test(`a new ${kind} key signs what its public half verifies, and nothing else`, () => {
    const key = createSigningKey(kind);
    const signer = readSigningKey(key.privateKeyPem);
    assert.equal(signer.keyId, key.keyId);
    assert.equal(signer.publicKeyPem, key.publicKeyPem);
    const der = createPublicKey(key.publicKeyPem).export({ type: 'spki', format: 'der' });
    assert.equal(keyIdOf(key.publicKeyPem), hash('sha256', der, 'hex'));
    assert.equal(key.keyId, hash('sha256', der, 'hex'));
    const publicKey = readPublicKey(key.publicKeyPem);
    assert.ok(publicKey !== undefined);
    assert.ok(isSignatureBy(publicKey.key, data, signer.sign(data)));
    assert.ok(!isSignatureBy(publicKey.key, Buffer.from('Data'), signer.sign(data)));
    const other = readSigningKey(createSigningKey(kind).privateKeyPem);
    assert.ok(!isSignatureBy(publicKey.key, data, other.sign(data)));
    for (const nonsense of ['', 'a', '\u0000'.repeat(64), '0'.repeat(72)]) {
      assert.ok(!isSignatureBy(publicKey.key, data, Buffer.from(nonsense)));
    }
  });

  test(`an encrypted ${kind} key opens with its passphrase only`, () => {
    const key = createSigningKey(kind, 'correct horse');
    assert.match(key.privateKeyPem, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    assert.equal(readSigningKey(key.privateKeyPem, 'correct horse').keyId, key.keyId);
    assert.throws(() => readSigningKey(key.privateKeyPem), {
      code: 'validation_failed',
      message: 'signing key: is encrypted; give its passphrase',
    });
    assert.throws(() => readSigningKey(key.privateKeyPem, 'wrong'), {
      code: 'validation_failed',
      message: 'signing key: cannot be read; check the passphrase',
    });
  });
}

test('one P-256 key has one id, however its point or its curve is written', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' });
  const written = pair.publicKey.export({ type: 'spki', format: 'pem' });
  const plain = readPublicKey(written)?.publicKeyPem ?? '';
  const compressed = compress(plain);
  assert.notEqual(written, plain);
  assert.notEqual(compressed, plain);
  assert.equal(keyIdOf(written), keyIdOf(plain));
  assert.equal(keyIdOf(compressed), keyIdOf(plain));
  assert.equal(readPublicKey(compressed)?.publicKeyPem, plain);
  const secret = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
  assert.equal(readSigningKey(secret).keyId, keyIdOf(plain));
});

test('a private key is no public key, and other kinds are none at all', () => {
  const { privateKeyPem, publicKeyPem } = createSigningKey('ed25519');
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const secret = createPrivateKey(privateKeyPem);
  const refusals = [
    privateKeyPem,
    `${publicKeyPem}${privateKeyPem}`,
    `${publicKeyPem}${publicKeyPem}`,
    `${publicKeyPem}${' '.repeat(5_000)}`,
    publicKeyPem.replace('MC', 'MD'),
    curve.publicKey.export({ type: 'spki', format: 'pem' }),
    generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' }),
    secret.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    '',
  ];
  for (const pem of refusals) {
    assert.equal(readPublicKey(pem), undefined);
    assert.throws(() => keyIdOf(pem), { code: 'validation_failed', message: /^public key: / });
  }
  const others = [
    curve.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    generateKeyPairSync('ed448').privateKey.export({ type: 'pkcs8', format: 'pem' }),
    publicKeyPem,
    `${privateKeyPem}${' '.repeat(5_000)}`,
    '',
  ];
  for (const pem of others) {
    assert.throws(() => readSigningKey(pem), {
      code: 'validation_failed',
      message: /^signing key: .+; (?:make|give) /,
    });
  }
});
