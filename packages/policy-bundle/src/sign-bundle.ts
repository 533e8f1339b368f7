import { HostError } from '@modelhost/kernel';
import { bundleBytesMax, bundlePayloadType, readPayload } from './bundle.ts';
import type { Signer } from './keys.ts';
import { addSignatures, takeEnvelope } from './signatures.ts';

/**
 * Signs a payload, or an envelope that others signed before, whose signatures stay. Only a sound payload is signed: what no
 * host would take throws `validation_failed`.
 */
export function signBundle(subject: Uint8Array | string, signers: readonly Signer[]): string {
  const unsigned =
    typeof subject === 'string'
      ? takeEnvelope(subject, bundlePayloadType, bundleBytesMax)
      : { payload: Buffer.from(subject), signatures: [] };
  const bundle = readPayload(unsigned.payload);
  if (bundle.type === 'refused') throw new HostError('validation_failed', bundle.message);
  const text = addSignatures(unsigned, bundlePayloadType, signers);
  // Base64 is a third longer than what it says, so that a payload may pass and its envelope not.
  if (text.length > bundleBytesMax) {
    throw new HostError(
      'validation_failed',
      `envelope: ${text.length} bytes, at most ${bundleBytesMax}; take files out of the bundle`,
    );
  }
  return text;
}
