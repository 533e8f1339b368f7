import { bundleBytesMax, bundlePayloadType, readPayload, type Bundle } from './bundle.ts';
import { readEnvelope } from './envelope.ts';
import type { Refused } from './refusals.ts';

/** What an envelope says, true or not. */
export interface UnverifiedBundle {
  readonly type: 'unverified';
  readonly bundle: Bundle;
  /** Of the keys that are said to have signed it, in their order. */
  readonly keyIds: readonly string[];
}

/** Takes a bundle apart without a trust root: to show it, to compare it or to find its name and scope; never to decide by it. */
export function readUnverifiedBundle(envelopeBytes: Uint8Array): UnverifiedBundle | Refused {
  const bounds = { payloadType: bundlePayloadType, bytesMax: bundleBytesMax };
  const envelope = readEnvelope(envelopeBytes, bounds);
  if (envelope.type === 'refused') return envelope;
  const { payload, signatures } = envelope.value;
  const bundle = readPayload(payload);
  if (bundle.type === 'refused') return bundle;
  const keyIds = signatures.map(({ keyId }) => keyId);
  return { type: 'unverified', bundle: bundle.value, keyIds };
}
