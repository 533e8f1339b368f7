import { hash } from 'node:crypto';
import { canonicalJson, HostError, type Json } from '@modelhost/kernel';
import { readCanonical } from './canonical.ts';
import { packFiles, readFiles, type BundleFile } from './files.ts';
import { readManifest, type BundleManifest } from './manifest.ts';
import { accept, type Reading, type Refused } from './refusals.ts';

/** What was signed. */
export interface Bundle {
  readonly manifest: BundleManifest;
  /** By path. */
  readonly files: readonly BundleFile[];
  /** SHA-256 of the payload in hex: the identity of the content, whoever signed it and however it was wrapped. */
  readonly digest: string;
}

/** Names what the payload of a bundle's envelope is. */
export const bundlePayloadType = 'application/vnd.modelhost.policy-bundle.v1+json';
/** Of the whole envelope. */
export const bundleBytesMax: number = 16 * 1_024 * 1_024;

/** The canonical payload: the same bytes for the same content. Throws `validation_failed` for what no host would take. */
export function encodeBundle(manifest: BundleManifest, files: readonly BundleFile[]): Buffer {
  // A manifest is JSON: texts, numbers and lists of them.
  const fields = manifest as unknown as Readonly<Record<string, Json>>;
  const canary = [...manifest.canary].sort();
  const payload = Buffer.from(canonicalJson({ ...fields, canary, files: packFiles(files) }));
  const bundle = readPayload(payload);
  if (bundle.type === 'refused') throw new HostError('validation_failed', bundle.message);
  return payload;
}

/** Reads a payload. The judge sees the manifest before any file is looked at, so that the first reason told is the plainest. */
export function readPayload(
  payload: Buffer,
  judge: (manifest: BundleManifest, digest: string) => Refused | undefined = () => undefined,
): Reading<Bundle> {
  const canonical = readCanonical(payload);
  if (canonical.type === 'refused') return canonical;
  const read = readManifest(canonical.value);
  if (read.type === 'refused') return read;
  const { manifest } = read.value;
  const digest = digestOf(payload);
  const refusal = judge(manifest, digest);
  if (refusal !== undefined) return refusal;
  const files = readFiles(read.value.files);
  return files.type === 'refused' ? files : accept({ manifest, files: files.value, digest });
}

/** The digest by which a payload is known. */
export function digestOf(payload: Uint8Array): string {
  return hash('sha256', payload, 'hex');
}
