import { isJsonObject } from '@modelhost/kernel';
import {
  bundlePayloadType,
  signBundle,
  signTrustRoot,
  trustRootPayloadType,
} from '@modelhost/policy-bundle';
import type { Signer } from '@modelhost/policy-bundle';
import { CommandError, exitCodes } from '../failure.ts';
import { jsonOf } from './json-of.ts';

/** What a file that can be signed is. */
export type SignableKind = 'unsigned-bundle' | 'bundle' | 'trust-root';

/** What the file says it is; throws for anything else. */
export function signableKindOf(path: string, bytes: Uint8Array): SignableKind {
  const value = jsonOf(bytes);
  const payloadType = isJsonObject(value) ? value['payloadType'] : undefined;
  if (payloadType === bundlePayloadType) return 'bundle';
  if (payloadType === trustRootPayloadType) return 'trust-root';
  if (isJsonObject(value) && value['files'] !== undefined) return 'unsigned-bundle';
  throw new CommandError(
    exitCodes.usage,
    `${path}: is neither a bundle nor a trust root`,
    '`model-host policy build` makes a bundle, `model-host policy keys trust` a trust root',
  );
}

/** The envelope with the signatures added; those that it has stay. */
export function addSignatures(
  kind: SignableKind,
  bytes: Buffer,
  signers: readonly Signer[],
): string {
  switch (kind) {
    case 'unsigned-bundle':
      return signBundle(bytes, signers);
    case 'bundle':
      return signBundle(bytes.toString(), signers);
    case 'trust-root':
      return signTrustRoot(bytes.toString(), signers);
  }
}
