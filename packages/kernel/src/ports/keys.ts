/** A sealed text: base64 of nonce, ciphertext and tag, and the key that opens it. */
export interface Sealed {
  readonly keyId: string;
  readonly data: string;
}

/** Secrets at rest. Nothing secret is ever written without it. */
export interface Keys {
  /** Authenticated encryption; `context` (what the text is and whose) must be the same to open it. */
  seal(text: string, context: string): Sealed;
  /**
   * Throws `storage_unavailable`: the fact `reason` is `no_key`, with the `key_id`, when the key is not at hand, and `corrupt` when
   * the context differs or a bit was changed.
   */
  unseal(sealed: Sealed, context: string): string;
  /** Keyed digest (HMAC-SHA-256, hex): the same for the same text and context, and says nothing without the key. */
  commit(text: string, context: string): string;
}
