import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { Json } from '@modelhost/kernel';
import {
  bundlePayloadType,
  readSigningKey,
  signBundle,
  signTrustRoot,
  trustRootPayloadType,
} from '@modelhost/policy-bundle';
import type { Signer } from '@modelhost/policy-bundle';
import { CommandError, exitCodes } from '../failure.ts';
import { readNamedFile } from './files.ts';

/** How private keys are opened. */
export interface PassphraseFlag {
  readonly passphraseFile?: string;
}

/** What a file that can be signed is. */
export type SignableKind = 'unsigned-bundle' | 'bundle' | 'trust-root';

/** What the file says it is; throws for anything else. */
export function signableKindOf(path: string, bytes: Uint8Array): SignableKind {
  const value = parse(bytes);
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

/** The keys in the files; one passphrase is for all of them. */
export async function readSigners(
  files: readonly string[],
  passphraseFile: string | undefined,
): Promise<readonly Signer[]> {
  const passphrase = await readPassphrase(passphraseFile);
  return Promise.all(
    files.map(async (file) => readSigningKey((await readNamedFile(file)).toString(), passphrase)),
  );
}

/** The first line of the file. */
export async function readPassphrase(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const [line = ''] = (await readNamedFile(file)).toString().split(/\r?\n/, 1);
  if (line !== '') return line;
  throw new CommandError(
    exitCodes.usage,
    `${file}: its first line is empty`,
    'write the passphrase there',
  );
}

function parse(bytes: Uint8Array): Json | undefined {
  try {
    return parseJsonText(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
