import { basename, join } from 'node:path';
import {
  exportSigstoreBundles,
  readUnverifiedBundle,
  verifyBundle,
} from '@modelhost/policy-bundle';
import type { Refused, Verified, VerifyOptions } from '@modelhost/policy-bundle';
import { cedarVersion } from '@modelhost/policy-engine';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { makeNamedDirectory, readNamedFile, writeWhole } from '../named-files.ts';
import { readSigners } from '../policy/key-files.ts';
import type { PassphraseFlag } from '../policy/key-files.ts';
import { addSignatures, signableKindOf } from '../policy/signed-file.ts';
import { readTrustRootFile } from '../policy/trust-root-file.ts';
import type { JsonFlag } from '../text/output.ts';
import { readVersion } from '../version.ts';

/** What `policy sign` is told. */
export interface SignFlags extends PassphraseFlag {
  readonly key: readonly string[];
  readonly out?: string;
}

/** What `policy verify` is told. */
export interface VerifyFlags extends JsonFlag {
  readonly trustRoot: string;
  readonly revisionAtLeast?: number;
}

/** What `policy export` is told. */
export interface ExportFlags {
  readonly out: string;
}

/** Adds signatures to a bundle or a trust root. */
export async function signFile(context: CliContext, flags: SignFlags, file: string): Promise<void> {
  const bytes = await readNamedFile(file);
  const kind = signableKindOf(file, bytes);
  const signers = await readSigners(flags.key, flags);
  const out = flags.out ?? (kind === 'unsigned-bundle' ? signedName(file) : file);
  await writeWhole(out, addSignatures(kind, bytes, signers));
  for (const { keyId } of signers) context.print(`${out}: signed by ${keyId}\n`);
  if (kind !== 'trust-root') {
    context.say(`next: \`model-host policy verify ${out} --trust-root FILE\``);
  }
}

/** Says whether a host with this trust root would take the bundle, and why not. */
export async function verifyFile(
  context: CliContext,
  flags: VerifyFlags,
  file: string,
): Promise<void> {
  const nowMs = context.now();
  const trust = await readTrustRootFile(flags.trustRoot, nowMs);
  const options = { trust, nowMs, hostVersion: readVersion(), cedarVersion };
  const answer = verifyAtLeast(await readNamedFile(file), flags.revisionAtLeast, options);
  if (flags.json === true) context.print(`${JSON.stringify(toDocument(answer), undefined, 2)}\n`);
  if (answer.type === 'refused') {
    throw new CommandError(
      exitCodes.failure,
      `${file}: refused, ${answer.code}: ${answer.message}`,
    );
  }
  if (flags.json === true) return;
  const { bundle, signedBy } = answer;
  const { name, scope, revision, mode, notBefore, expires, canary } = bundle.manifest;
  const whose = scope === 'platform' ? 'the platform' : `the tenant ${scope.tenant}`;
  context.print(
    [
      `${context.paint.green('good')}    ${name} revision ${revision}, ${mode}, for ${whose}`,
      ...(canary.length === 0 ? [] : [`canary  ${canary.join(', ')}`]),
      `valid   ${notBefore} to ${expires}`,
      `digest  ${bundle.digest}`,
      ...signedBy.map((keyId) => `signed  ${keyId}`),
      '',
    ].join('\n'),
  );
}

/** Writes a Sigstore bundle for each signature. */
export async function exportFile(
  context: CliContext,
  flags: ExportFlags,
  file: string,
): Promise<void> {
  const bundles = exportSigstoreBundles((await readNamedFile(file)).toString());
  await makeNamedDirectory(flags.out);
  for (const { keyId, text } of bundles) {
    const name = basename(file).replace(/(?:\.mhpb)?\.json$/, '');
    const out = join(flags.out, `${name}.${keyId.slice(0, 12)}.sigstore.json`);
    await writeWhole(out, text);
    context.print(`${out}: signature of ${keyId}\n`);
  }
}

type Answer = Verified | Refused;

/** A revision below the least is refused as a host refuses it that has had that one in force. */
function verifyAtLeast(
  bytes: Uint8Array,
  least: number | undefined,
  options: VerifyOptions,
): Answer {
  if (least === undefined) return verifyBundle(bytes, options);
  const claimed = readUnverifiedBundle(bytes);
  const digest = claimed.type === 'unverified' ? claimed.bundle.digest : '';
  return verifyBundle(bytes, { ...options, mark: { revision: least, digest } });
}

function toDocument(answer: Answer): object {
  if (answer.type === 'refused') return answer;
  const { bundle, signedBy, isStale } = answer;
  return { type: answer.type, manifest: bundle.manifest, digest: bundle.digest, signedBy, isStale };
}

function signedName(file: string): string {
  const name = file.replace(/\.unsigned\.json$/, '');
  return name === file ? `${file}.mhpb.json` : `${name}.mhpb.json`;
}
