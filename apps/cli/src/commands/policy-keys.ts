import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  createSigningKey,
  createTrustRoot,
  readTrustRoot,
  signTrustRoot,
} from '@modelhost/policy-bundle';
import type { KeyScope, TrustRoot } from '@modelhost/policy-bundle';
import { HostError } from '@modelhost/kernel';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { makeNamedDirectory, readNamedFile, writeNew, writeWhole } from '../named-files.ts';
import { readPassphrase, readPublicKeyFile, readSigners } from '../policy/key-files.ts';
import type { PassphraseFlag } from '../policy/key-files.ts';
import { signableKindOf } from '../policy/signed-file.ts';
import { draftTrustRoot } from '../policy/trust-draft.ts';
import type { ListedKey } from '../policy/trust-draft.ts';
import { readTrustRootFile } from '../policy/trust-root-file.ts';
import { toTable } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';

/** What `policy keys create` is told. */
export interface CreateKeyFlags extends PassphraseFlag {
  readonly type: 'ed25519' | 'p256';
  readonly out: string;
  readonly name: string;
}

/** How many signatures are needed, by what is signed. */
export type ThresholdFlag = Readonly<Partial<Record<'root' | 'platform' | 'tenant', number>>>;

/** What `policy keys trust` is told. */
export interface TrustFlags extends PassphraseFlag {
  readonly key?: readonly string[];
  readonly revoke?: readonly string[];
  readonly threshold?: readonly ThresholdFlag[];
  readonly previous?: string;
  readonly sign: readonly string[];
  readonly days: number;
  readonly keyDays: number;
  readonly out: string;
}

/** What `policy keys show` is told. */
export interface ShowKeyFlags extends JsonFlag, PassphraseFlag {}

/** Makes a key pair in two files; the private one is for its owner alone. */
export async function createPolicyKey(context: CliContext, flags: CreateKeyFlags): Promise<void> {
  const key = createSigningKey(flags.type, await readPassphrase(flags.passphraseFile));
  const [privateFile, publicFile] = [
    join(flags.out, `${flags.name}.key.pem`),
    join(flags.out, `${flags.name}.pub.pem`),
  ];
  await makeNamedDirectory(flags.out, 0o700);
  await writeNew(privateFile, key.privateKeyPem, 0o600);
  try {
    await writeNew(publicFile, key.publicKeyPem, 0o644);
  } catch (thrown) {
    // The public key that is there is that of another one.
    await rm(privateFile, { force: true });
    throw thrown;
  }
  context.print(`${privateFile}: private, keep it to yourself\n${publicFile}: public\n`);
  context.print(`key id  ${key.keyId}\n`);
  context.say(`next: \`model-host policy keys trust --key ${publicFile} --sign ${privateFile}\``);
}

/** Makes the first trust root, or the one after another. */
export async function createTrust(context: CliContext, flags: TrustFlags): Promise<void> {
  const previous =
    flags.previous === undefined ? undefined : await readTrustRootFile(flags.previous);
  const draft = draftTrustRoot(
    {
      keys: await Promise.all((flags.key ?? []).map(readListedKey)),
      revoke: await Promise.all((flags.revoke ?? []).map(readKeyId)),
      thresholds: (flags.threshold ?? []).reduce((all, one) => ({ ...all, ...one }), {}),
      rootDays: flags.days,
      keyDays: flags.keyDays,
      nowMs: context.now(),
    },
    previous,
  );
  const signers = await readSigners(flags.sign, flags);
  const text = signTrustRoot(createTrustRoot(draft), signers);
  const missing = whyNotTaken(text, previous);
  await writeRoot(flags, text, missing === undefined);
  if (missing !== undefined) {
    context.say(`${flags.out}: not enough signatures yet: ${missing}`);
    context.say(`next: \`model-host policy sign ${flags.out} --key FILE\` by who is missing`);
    return;
  }
  context.print(`${flags.out}: `);
  printRoot(context, readTrustRoot(Buffer.from(text), previous));
}

/** A first root replaces nothing, and the next one not the one before while hosts would not take it. */
async function writeRoot(
  { out, previous }: TrustFlags,
  text: string,
  isTaken: boolean,
): Promise<void> {
  if (previous === undefined) return writeNew(out, text, 0o644);
  if (!isTaken && resolve(out) === resolve(previous)) {
    throw new CommandError(
      exitCodes.failure,
      `${out}: would be replaced by a root that needs more signatures`,
      'name another file with --out',
    );
  }
  await writeWhole(out, text);
}

/** Says what a key or a trust root is. */
export async function showKey(
  context: CliContext,
  flags: ShowKeyFlags,
  file: string,
): Promise<void> {
  const bytes = await readNamedFile(file);
  const text = bytes.toString();
  if (text.includes('-----BEGIN')) {
    const isPrivate = text.includes('PRIVATE KEY');
    const [key] = isPrivate ? await readSigners([file], flags) : [await readPublicKeyFile(file)];
    const keyId = key?.keyId ?? '';
    context.print(flags.json === true ? `${JSON.stringify({ keyId })}\n` : `${keyId}\n`);
    return;
  }
  if (signableKindOf(file, bytes) !== 'trust-root') {
    throw new CommandError(
      exitCodes.usage,
      `${file}: is a bundle`,
      '`model-host policy verify FILE --trust-root FILE` shows it',
    );
  }
  const root = await readTrustRootFile(file);
  if (flags.json === true) context.print(`${JSON.stringify(root, undefined, 2)}\n`);
  else printRoot(context, root);
}

function printRoot({ print }: CliContext, root: TrustRoot): void {
  const { version, expires, thresholds, keys, revoked, digest } = root;
  const { root: ofRoot, platform, tenant } = thresholds;
  print(`trust root version ${version}, until ${expires}\ndigest  ${digest}\n`);
  print(`needed  ${ofRoot} for a root, ${platform} for the platform, ${tenant} for a tenant\n`);
  const rows = keys.map(({ keyId, scopes, notAfter }) => [notAfter, scopes.join(' '), keyId]);
  print(`\n${toTable(['UNTIL', 'MAY SIGN', 'KEY'], rows)}`);
  for (const keyId of revoked) print(`revoked ${keyId}\n`);
}

/** Undefined when a host would take the root; what signatures are missing for otherwise. */
function whyNotTaken(text: string, previous: TrustRoot | undefined): string | undefined {
  try {
    readTrustRoot(Buffer.from(text), previous);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    const { refusal } = thrown.facts;
    if (refusal !== 'threshold' && refusal !== 'unknown-key' && refusal !== 'key-scope') {
      throw thrown;
    }
    return thrown.message;
  }
}

/** `file`, which may sign all, or `file=scope,scope`. */
async function readListedKey(text: string): Promise<ListedKey> {
  const at = text.lastIndexOf('=');
  const file = at < 1 ? text : text.slice(0, at);
  const scopes = at < 1 ? ['root', 'platform', 'tenant:*'] : text.slice(at + 1).split(',');
  const { publicKeyPem } = await readPublicKeyFile(file);
  // Scopes that there are not are refused, with their place, where the root is made.
  return { publicKeyPem, scopes: scopes as readonly KeyScope[] };
}

/** The id itself, or that of the key in a file. */
async function readKeyId(text: string): Promise<string> {
  return /^[0-9a-f]{64}$/.test(text) ? text : (await readPublicKeyFile(text)).keyId;
}
