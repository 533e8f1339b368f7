import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomFillSync,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { HostError } from '@modelhost/kernel';
import type { Keys, Sealed } from '@modelhost/kernel';

/** Length of the master key and of every key made from it. */
export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const purposeKeysMax = 1_000;
const noncesAtOnce = 128;

/**
 * AES-256-GCM under keys that HKDF makes from the master key, one for each context, with the context as additional
 * data; digests by HMAC-SHA-256 under keys of their own. Nonces are random: 96 bits allow 2^32 texts per context.
 */
export function createKeys(masterKey: Buffer): Keys {
  const keyId = createHash('sha256').update(masterKey).digest('hex').slice(0, 16);
  const purposeKeys = new Map<string, KeyObject>();
  const takeNonce = createNonces();

  function keyFor(purpose: string): KeyObject {
    const known = purposeKeys.get(purpose);
    if (known !== undefined) return known;
    const bytes = Buffer.from(hkdfSync('sha256', masterKey, '', purpose, keyBytes));
    const key = createSecretKey(bytes);
    // A key is cheap to make again, so the cache simply starts anew at its bound.
    if (purposeKeys.size >= purposeKeysMax) purposeKeys.clear();
    purposeKeys.set(purpose, key);
    return key;
  }

  function seal(text: string, context: string): Sealed {
    const nonce = takeNonce();
    const cipher = createCipheriv('aes-256-gcm', keyFor(`seal/${context}`), nonce);
    cipher.setAAD(Buffer.from(context));
    const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return { keyId, data: Buffer.concat(sealed).toString('base64') };
  }

  function unseal(sealed: Sealed, context: string): string {
    if (sealed.keyId !== keyId) {
      const unknown = sealed.keyId.slice(0, 64);
      throw new HostError('storage_unavailable', `no key ${unknown} is at hand`, {
        facts: { reason: 'no_key', key_id: unknown },
      });
    }
    const data = Buffer.from(sealed.data, 'base64');
    try {
      const decipher = createDecipheriv(
        'aes-256-gcm',
        keyFor(`seal/${context}`),
        data.subarray(0, nonceBytes),
        { authTagLength: tagBytes },
      );
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(data.subarray(-tagBytes));
      const text = decipher.update(data.subarray(nonceBytes, -tagBytes), undefined, 'utf8');
      return text + decipher.final('utf8');
    } catch (cause) {
      throw new HostError(
        'storage_unavailable',
        'a sealed text does not open: it or its context changed',
        { cause, facts: { reason: 'corrupt' } },
      );
    }
  }

  return {
    seal,
    unseal,
    commit: (text, context) =>
      createHmac('sha256', keyFor(`commit/${context}`))
        .update(text, 'utf8')
        .digest('hex'),
  };
}

/** Random nonces, made many at a time: asking for each alone costs as much as the encryption. None is given twice. */
function createNonces(): () => Buffer {
  let pool = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at === pool.length) {
      pool = randomFillSync(Buffer.alloc(noncesAtOnce * nonceBytes));
      at = 0;
    }
    at += nonceBytes;
    return pool.subarray(at - nonceBytes, at);
  };
}
