import { HostError, parseJsonText } from '@modelhost/kernel';
import { createLocalJWKSet, errors } from 'jose';
import type { CompactJWSHeaderParameters, CryptoKey, FlattenedJWSInput, JSONWebKeySet } from 'jose';

/**
 * Reads the document of an issuer; the outbound fetch of the gateway fits. It must bound what it reads and how long that
 * takes, and follow no redirect to another origin.
 */
export type KeyFetch = (
  url: string,
  init: { readonly headers: Readonly<Record<string, string>> },
) => Promise<Response>;

/** What a key set needs. */
export interface KeySetOptions {
  readonly url: string;
  readonly fetch: KeyFetch;
  readonly now: () => number;
  readonly bounds: KeySetBounds;
}

/** Limits of a key set. */
export interface KeySetBounds {
  /** After this age keys are fetched anew when somebody needs one. */
  readonly maxAgeMs: number;
  /** After this age keys of an issuer that cannot be reached count no more. */
  readonly staleAgeMaxMs: number;
  /** Least time between two fetches, whatever key ids come: unknown ones cannot make us a flood. */
  readonly cooldownMs: number;
  readonly bytesMax: number;
  readonly keysMax: number;
}

/** The public keys of one issuer. */
export interface KeySet {
  /**
   * The key that a token names. Throws jose's `JWKSNoMatchingKey` for one that the issuer does not have, and
   * `overloaded` when its keys cannot be had now.
   */
  readonly keyFor: (
    header: CompactJWSHeaderParameters,
    token: FlattenedJWSInput,
  ) => Promise<CryptoKey>;
}

interface Fetched {
  readonly keys: ReturnType<typeof createLocalJWKSet>;
  readonly atMs: number;
}

/** Fetches keys when they are first needed, and shares one fetch among all who wait. */
export function createKeySet(options: KeySetOptions): KeySet {
  const { now, bounds } = options;
  let fetched: Fetched | undefined;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let fetching: Promise<Fetched> | undefined;

  function mayFetch(): boolean {
    return fetching !== undefined || now() - triedAtMs >= bounds.cooldownMs;
  }

  async function refresh(): Promise<Fetched> {
    if (fetching === undefined) {
      triedAtMs = now();
      fetching = fetchKeys(options)
        .then((keys) => {
          fetched = { keys, atMs: now() };
          return fetched;
        })
        .finally(() => {
          fetching = undefined;
        });
    }
    return fetching;
  }

  /** What there is, fetched anew when it is old and may be. */
  async function current(): Promise<Fetched> {
    const ageMs = fetched === undefined ? Number.POSITIVE_INFINITY : now() - fetched.atMs;
    if (fetched !== undefined && ageMs < bounds.maxAgeMs) return fetched;
    const stale = ageMs < bounds.staleAgeMaxMs ? fetched : undefined;
    if (!mayFetch()) return stale ?? unavailable(bounds.cooldownMs);
    try {
      return await refresh();
    } catch (cause) {
      return stale ?? unavailable(bounds.cooldownMs, cause);
    }
  }

  return {
    keyFor: async (header, token) => {
      const known = await current();
      try {
        return await known.keys(header, token);
      } catch (cause) {
        // An issuer that changed its keys has one that we have not seen yet.
        const isUnknown = cause instanceof errors.JWKSNoMatchingKey;
        if (!isUnknown || !mayFetch()) throw cause;
        const renewed = await refresh().catch(() => known);
        return renewed.keys(header, token);
      }
    },
  };
}

async function fetchKeys({ url, fetch, bounds }: KeySetOptions): Promise<Fetched['keys']> {
  const response = await fetch(url, { headers: { accept: 'application/json' } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`the key set was answered with ${response.status}`);
  if (Buffer.byteLength(text) > bounds.bytesMax) throw new Error('the key set is too large');
  const document: unknown = parseJsonText(text);
  if (!isKeySet(document)) throw new Error('the key set is not one');
  if (document.keys.length > bounds.keysMax) throw new Error('the key set has too many keys');
  // Symmetric keys have no place in a public document; nothing is ever verified with one.
  return createLocalJWKSet({ keys: document.keys.filter((key) => key.kty !== 'oct') });
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return (
    typeof value === 'object' &&
    value !== null &&
    'keys' in value &&
    Array.isArray(value.keys) &&
    value.keys.every((key) => typeof key === 'object' && key !== null && 'kty' in key)
  );
}

function unavailable(retryAfterMs: number, cause?: unknown): never {
  throw new HostError('overloaded', 'access tokens cannot be checked now; try again later', {
    cause,
    retryAfterMs,
  });
}
