import { HostError } from '@modelhost/kernel';
import { keyIdOf, readSigningKey } from '@modelhost/policy-bundle';
import type { Signer } from '@modelhost/policy-bundle';
import { CommandError, exitCodes } from '../failure.ts';
import { readNamedFile } from '../named-files.ts';

/** How private keys are opened. */
export interface PassphraseFlag {
  readonly passphraseFile?: string;
}

/** A public key as it stands in its file. */
export interface PublicKeyFile {
  readonly keyId: string;
  readonly publicKeyPem: string;
}

/** The private keys in the files; one passphrase is for all of them. */
export async function readSigners(
  files: readonly string[],
  { passphraseFile }: PassphraseFlag,
): Promise<readonly Signer[]> {
  const passphrase = await readPassphrase(passphraseFile);
  return Promise.all(
    files.map(async (file) => {
      const pem = (await readNamedFile(file)).toString();
      return naming(file, () => readSigningKey(pem, passphrase));
    }),
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

/** The public key in a file. */
export async function readPublicKeyFile(file: string): Promise<PublicKeyFile> {
  const publicKeyPem = (await readNamedFile(file)).toString();
  return { keyId: naming(file, () => keyIdOf(publicKeyPem)), publicKeyPem };
}

/** What is wrong with a key is said with its file: several are named by one command. */
function naming<Value>(file: string, read: () => Value): Value {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    throw new CommandError(exitCodes.usage, `${file}: ${thrown.message}`);
  }
}
