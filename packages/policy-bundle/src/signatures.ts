import { HostError } from '@modelhost/kernel';
import {
  preAuthEncoding,
  readEnvelope,
  signaturesMax,
  writeEnvelope,
  type Envelope,
} from './envelope.ts';
import { isSignatureBy, readPublicKey, type Signer } from './keys.ts';
import { accept, refuse, type BundleRefusal, type Reading, type Refused } from './refusals.ts';
import { phaseOf, type Moment } from './times.ts';

/** What a key may sign: trust roots, bundles of the platform, of every tenant, or of one (`tenant:<name>`). */
export type KeyScope = 'root' | 'platform' | 'tenant:*' | `tenant:${string}`;

/** A key that a trust root lists. */
export interface TrustKey {
  readonly keyId: string;
  readonly publicKeyPem: string;
  readonly scopes: readonly KeyScope[];
  /** RFC 3339 in UTC with seconds: when it ends. */
  readonly notAfter: string;
}

/** Whose signatures count. */
interface SigningTrust {
  readonly keys: readonly TrustKey[];
  readonly revoked: readonly string[];
}

/** Why a signature is left out of the count. */
type SetAsideReason = Extract<
  BundleRefusal,
  'revoked-key' | 'expired-key' | 'key-scope' | 'unknown-key'
>;

/** What the signatures of an envelope amount to. Each key stands here once, however often it signed. */
export interface SignatureCount {
  readonly signers: readonly { readonly key: TrustKey; readonly isStale: boolean }[];
  readonly setAside: readonly { readonly place: string; readonly reason: SetAsideReason }[];
}

const remedies: Readonly<Record<SetAsideReason, string>> = {
  'revoked-key': 'sign it with a key that is not revoked',
  'expired-key': 'sign it with a key whose notAfter is still to come',
  'key-scope': 'sign it with a key whose scopes in the trust root allow it',
  'unknown-key': 'sign it with a key of the trust root, or have a new trust root list this key',
};

/** The reason that is told when no signature counts: the first of these that any of them has. */
const reasonsInOrder: readonly SetAsideReason[] = [
  'revoked-key',
  'expired-key',
  'key-scope',
  'unknown-key',
];

/** Adds signatures to an envelope, which may have none; a key that signed already has its signature replaced. */
export function addSignatures(
  envelope: Envelope,
  payloadType: string,
  signers: readonly Signer[],
): string {
  const { payload, signatures: before } = envelope;
  const data = preAuthEncoding(payloadType, payload);
  const added = new Map(signers.map((signer) => [signer.keyId, signer.sign(data)]));
  const signatures = [
    ...before.filter(({ keyId }) => !added.has(keyId)),
    ...[...added].map(([keyId, signature]) => ({ keyId, signature })),
  ];
  if (signatures.length === 0 || signatures.length > signaturesMax) {
    throw new HostError(
      'validation_failed',
      `signatures: ${signatures.length}, must be 1 to ${signaturesMax}; sign with fewer keys, or with one`,
    );
  }
  return writeEnvelope(payloadType, { payload, signatures });
}

/** An envelope that is signed further. Throws `validation_failed` for what is none. */
export function takeEnvelope(text: string, payloadType: string, bytesMax: number): Envelope {
  const envelope = readEnvelope(Buffer.from(text), { payloadType, bytesMax });
  if (envelope.type === 'refused') throw new HostError('validation_failed', envelope.message);
  return envelope.value;
}

/**
 * Finds who signed. A signature of an unknown, revoked or expired key does not count and does no harm, so that keys can be
 * rotated; one that a trusted key is said to have made and did not is a forgery, and refuses the whole.
 */
export function countSignatures(
  envelope: Envelope,
  payloadType: string,
  trust: SigningTrust,
  moment: Moment | undefined,
): Reading<SignatureCount> {
  const data = preAuthEncoding(payloadType, envelope.payload);
  const signers = new Map<string, SignatureCount['signers'][number]>();
  const setAside: SignatureCount['setAside'][number][] = [];
  for (const [index, { keyId, signature }] of envelope.signatures.entries()) {
    const place = `signatures[${index}]`;
    const key = trust.keys.find((candidate) => candidate.keyId === keyId);
    const phase =
      key === undefined || moment === undefined ? 'valid' : phaseOf(key.notAfter, moment);
    if (trust.revoked.includes(keyId)) setAside.push({ place, reason: 'revoked-key' });
    else if (key === undefined) setAside.push({ place, reason: 'unknown-key' });
    else if (phase === 'over') setAside.push({ place, reason: 'expired-key' });
    else if (isSignedBy(key, data, signature))
      signers.set(keyId, { key, isStale: phase === 'stale' });
    else {
      return refuse(
        'bad-signature',
        `${place}.sig: is not the key's signature of this payload; fetch the file again, or sign it again`,
      );
    }
  }
  return accept({ signers: [...signers.values()], setAside });
}

/** Keeps the signers whose scopes allow it. Their places are not known any more, since a key may have signed twice. */
export function keepScope(
  count: SignatureCount,
  isAllowed: (scope: KeyScope) => boolean,
): SignatureCount {
  const kept = count.signers.filter(({ key }) => key.scopes.some(isAllowed));
  const dropped = count.signers
    .filter((signer) => !kept.includes(signer))
    .map(({ key }) => ({
      place: `the signature of key ${key.keyId}`,
      reason: 'key-scope' as const,
    }));
  return { signers: kept, setAside: [...count.setAside, ...dropped] };
}

/** Refuses when fewer distinct keys signed than have to; with none at all, never mind the threshold. */
export function checkThreshold(
  count: SignatureCount,
  threshold: number,
  role: string,
): Refused | undefined {
  const { signers, setAside } = count;
  if (signers.length > 0 && signers.length >= threshold) return undefined;
  const listed = setAside.map(({ place, reason }) => `${place} (${reason})`).join(', ');
  const ignored = listed === '' ? '' : `; not counted: ${listed}`;
  const reason = reasonsInOrder.find((one) => setAside.some((item) => item.reason === one));
  if (signers.length === 0 && reason !== undefined) {
    return refuse(reason, `signatures: no key counts for ${role}${ignored}; ${remedies[reason]}`);
  }
  return refuse(
    'threshold',
    `signatures: ${signers.length} of the ${threshold} distinct keys that ${role} needs${ignored}; have more keys sign it`,
  );
}

function isSignedBy(key: TrustKey, data: Uint8Array, signature: Uint8Array): boolean {
  const publicKey = readPublicKey(key.publicKeyPem);
  // The id is compared again, so that no entry can lend its name to another key.
  return publicKey?.keyId === key.keyId && isSignatureBy(publicKey.key, data, signature);
}
