import { canonicalJson, HostError } from '@modelhost/kernel';
import { readPublicKey, type Signer } from './keys.ts';
import { addSignatures, takeEnvelope, type TrustKey } from './signatures.ts';
import {
  readRootPayload,
  trustRootBytesMax,
  trustRootPayloadType,
  type TrustRoot,
} from './trust-root.ts';

/** What a new trust root says; the ids of its keys are worked out. */
export interface TrustRootDraft extends Omit<TrustRoot, 'keys' | 'digest'> {
  readonly keys: readonly Omit<TrustKey, 'keyId'>[];
}

/** The canonical payload of a new trust root, for `signTrustRoot`. Throws `validation_failed` for what no host would take. */
export function createTrustRoot(draft: TrustRootDraft): Buffer {
  const { version, expires, thresholds, revoked } = draft;
  const keys = draft.keys.map(completeKey).sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
  const payload = Buffer.from(
    canonicalJson({
      formatVersion: 1,
      version,
      expires,
      keys: keys.map((key) => ({ ...key })),
      thresholds: { ...thresholds },
      revoked: [...revoked].sort(),
    }),
  );
  checkPayload(payload);
  return payload;
}

/**
 * Signs a payload, or an envelope that others signed before. A first root needs its own keys with the scope root; each
 * later one also those of the root before it.
 */
export function signTrustRoot(subject: Uint8Array | string, signers: readonly Signer[]): string {
  const unsigned =
    typeof subject === 'string'
      ? takeEnvelope(subject, trustRootPayloadType, trustRootBytesMax)
      : { payload: Buffer.from(subject), signatures: [] };
  checkPayload(unsigned.payload);
  return addSignatures(unsigned, trustRootPayloadType, signers);
}

function completeKey(key: Omit<TrustKey, 'keyId'>, index: number): TrustKey {
  const publicKey = readPublicKey(key.publicKeyPem);
  if (publicKey === undefined) {
    throw new HostError(
      'validation_failed',
      `trust root: keys[${index}].publicKeyPem: must be an Ed25519 or P-256 key in PEM; give the public half of the key`,
    );
  }
  const { keyId, publicKeyPem } = publicKey;
  return { keyId, publicKeyPem, scopes: [...key.scopes].sort(), notAfter: key.notAfter };
}

function checkPayload(payload: Buffer): void {
  const root = readRootPayload(payload, undefined);
  if (root.type === 'refused') {
    throw new HostError('validation_failed', `trust root: ${root.message}`);
  }
}
