import { DpopSession } from '@modelcontextprotocol/client';
import type { JsonObject } from '@modelhost/kernel';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose';
import type { JWK } from 'jose';

/** A key that tokens are bound to (RFC 9449), so that whoever steals one cannot use it. */
export interface DpopKey {
  /** Private, as a JWK: to be kept with the tokens that are bound to it. */
  readonly key: JsonObject;
  /** Proves that the key is ours, and remembers the nonces of servers. */
  readonly session: DpopSession;
}

const alg = 'ES256';

/** A new key. */
export async function createDpopKey(): Promise<DpopKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const { kty = '', crv = '', x = '', y = '', d = '' } = await exportJWK(privateKey);
  return await restoreDpopKey({ kty, crv, x, y, d });
}

/** A key that was kept. Its session knows no nonces yet. */
export async function restoreDpopKey(key: JsonObject): Promise<DpopKey> {
  // Only keys that were made above are kept.
  const { d = '', ...publicJwk } = key as JWK & { readonly kty: 'EC' };
  const privateKey = await importJWK({ ...publicJwk, d }, alg);
  const publicKey = await importJWK(publicJwk, alg);
  if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array) {
    throw new TypeError('not a key of a pair');
  }
  const thumbprint = await calculateJwkThumbprint(publicJwk, 'sha256');
  const keyPair = { privateKey, publicKey, publicJwk, thumbprint, alg } as const;
  return { key, session: await DpopSession.create({ keyPair }) };
}
