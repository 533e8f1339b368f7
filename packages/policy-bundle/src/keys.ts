import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { HostError } from '@modelhost/kernel';

/** Ed25519, or ECDSA with SHA-256 over the curve P-256. */
export type SigningKeyKind = 'ed25519' | 'p256';

/** A new key. The private half is a secret: store it where only its owner reads it. */
export interface SigningKey {
  readonly keyId: string;
  /** PKCS #8; encrypted when a passphrase was given. */
  readonly privateKeyPem: string;
  /** SPKI. */
  readonly publicKeyPem: string;
}

/** Who can sign. Holds the private key without showing it. */
export interface Signer {
  readonly keyId: string;
  readonly publicKeyPem: string;
  /** Ed25519: 64 bytes; P-256: ASN.1 DER. */
  sign(data: Uint8Array): Buffer;
}

/** A public key in its one accepted encoding, whatever it came in. */
interface PublicKey {
  readonly keyId: string;
  readonly publicKeyPem: string;
  readonly key: KeyObject;
}

/** A PEM of the two kinds has at most some 400 bytes in clear and some 600 encrypted. */
const pemBytesMax = 4_096;
const publicPem = /^\s*-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/;

/** Makes a key pair from the randomness of the system; the passphrase encrypts the private half with AES-256. */
export function createSigningKey(kind: SigningKeyKind, passphrase?: string): SigningKey {
  const pair =
    kind === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  const { keyId, publicKeyPem } = normalize(pair.publicKey);
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption });
  return { keyId, privateKeyPem: pem, publicKeyPem };
}

/** Takes a private key in PEM. Throws `validation_failed` for other kinds, for a public key and for a wrong passphrase. */
export function readSigningKey(pem: string, passphrase?: string): Signer {
  const key = readPrivateKey(pem, passphrase);
  if (!isAcceptedKind(key)) {
    throw new HostError(
      'validation_failed',
      'signing key: is neither Ed25519 nor ECDSA P-256; make one with `model-host policy keys`',
    );
  }
  const { keyId, publicKeyPem } = normalize(createPublicKey(key));
  return {
    keyId,
    publicKeyPem,
    sign: (data) => sign(digestOf(key), data, key),
  };
}

/** SHA-256 in hex of the key's SPKI in DER, always that of the uncompressed point, so that one key has one id. */
export function keyIdOf(publicKeyPem: string): string {
  const key = readPublicKey(publicKeyPem);
  if (key === undefined) {
    throw new HostError(
      'validation_failed',
      'public key: is not an Ed25519 or P-256 key in PEM (`BEGIN PUBLIC KEY`); give the public half, not the private one',
    );
  }
  return key.keyId;
}

/** A public key of an accepted kind; undefined for all else, a private key too. */
export function readPublicKey(pem: string): PublicKey | undefined {
  if (pem.length > pemBytesMax || !publicPem.test(pem)) return undefined;
  try {
    const key = createPublicKey(pem);
    return isAcceptedKind(key) ? normalize(key) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the signature is the key's over exactly these bytes. */
export function isSignatureBy(key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  return verify(digestOf(key), data, key, signature);
}

function readPrivateKey(pem: string, passphrase: string | undefined): KeyObject {
  const isEncrypted = pem.includes('ENCRYPTED');
  if (isEncrypted && passphrase === undefined) {
    throw new HostError('validation_failed', 'signing key: is encrypted; give its passphrase');
  }
  try {
    if (pem.length > pemBytesMax) throw new RangeError('too long for a key');
    return createPrivateKey(
      passphrase === undefined ? pem : { key: pem, format: 'pem', passphrase },
    );
  } catch (cause) {
    const remedy = isEncrypted ? 'check the passphrase' : 'give a private key in PEM (PKCS #8)';
    throw new HostError('validation_failed', `signing key: cannot be read; ${remedy}`, { cause });
  }
}

function isAcceptedKind(key: KeyObject): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  return type === 'ed25519' || (type === 'ec' && details?.namedCurve === 'prime256v1');
}

/** Ed25519 hashes by itself. */
function digestOf(key: KeyObject): string | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
}

/** By way of JWK, because a P-256 key has several encodings (a compressed point, written-out parameters), and each would count as a key of its own. */
function normalize(publicKey: KeyObject): PublicKey {
  const key = createPublicKey({ key: publicKey.export({ format: 'jwk' }), format: 'jwk' });
  return {
    keyId: hash('sha256', key.export({ type: 'spki', format: 'der' }), 'hex'),
    publicKeyPem: key.export({ type: 'spki', format: 'pem' }),
    key,
  };
}
