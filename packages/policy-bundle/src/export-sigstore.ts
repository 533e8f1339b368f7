import { bundleBytesMax, bundlePayloadType } from './bundle.ts';
import { takeEnvelope } from './signatures.ts';

/** One signature for the tools of Sigstore. */
export interface SigstoreBundle {
  readonly keyId: string;
  /** A Sigstore bundle in version 0.3 with the key's id as hint, in JSON. */
  readonly text: string;
}

/**
 * The envelope once for each key that signed it, because a Sigstore bundle holds one signature. Checks nothing: whoever
 * takes them verifies them with the public key. Throws `validation_failed` for what is no envelope of a bundle.
 */
export function exportSigstoreBundles(envelopeText: string): readonly SigstoreBundle[] {
  const { payload, signatures } = takeEnvelope(envelopeText, bundlePayloadType, bundleBytesMax);
  const byKey = new Map(signatures.map(({ keyId, signature }) => [keyId, signature]));
  return [...byKey].map(([keyId, signature]) => {
    const bundle = {
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: keyId } },
      dsseEnvelope: {
        payloadType: bundlePayloadType,
        payload: payload.toString('base64'),
        signatures: [{ keyid: keyId, sig: signature.toString('base64') }],
      },
    };
    return { keyId, text: `${JSON.stringify(bundle)}\n` };
  });
}
