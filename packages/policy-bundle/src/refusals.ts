/** Why a bundle, or a trust root, is not taken. Stable: callers and the documentation branch on it. */
export type BundleRefusal =
  /** The envelope, before anything of it is believed. */
  | 'too-large'
  | 'not-json'
  | 'envelope'
  | 'payload-type'
  | 'base64'
  | 'no-signatures'
  | 'too-many-signatures'
  /** Who signed it. */
  | 'trust-root-expired'
  | 'unknown-key'
  | 'bad-signature'
  | 'revoked-key'
  | 'expired-key'
  | 'key-scope'
  | 'threshold'
  /** What the payload says. */
  | 'payload-not-json'
  | 'payload-not-canonical'
  | 'format-version'
  | 'manifest'
  | 'name'
  | 'scope'
  | 'revision-rollback'
  | 'revision-reuse'
  | 'not-yet-valid'
  | 'expired'
  | 'requires-host'
  | 'requires-cedar'
  /** The files in it. */
  | 'no-files'
  | 'too-many-files'
  | 'file-path'
  | 'file-duplicate'
  | 'file-order'
  | 'file-content'
  | 'file-size'
  | 'file-digest';

/** A typed no. The message names the field and the remedy, and quotes nothing of the content. */
export interface Refused {
  readonly type: 'refused';
  readonly code: BundleRefusal;
  readonly message: string;
}

/** What a reader made of untrusted bytes. */
export type Reading<Value> = { readonly type: 'read'; readonly value: Value } | Refused;

/** A no with its reason. */
export function refuse(code: BundleRefusal, message: string): Refused {
  return { type: 'refused', code, message };
}

/** A yes with what was read. */
export function accept<Value>(value: Value): Reading<Value> {
  return { type: 'read', value };
}
