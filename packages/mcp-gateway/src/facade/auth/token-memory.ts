import { createHash } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { keepBounded } from '../../keep-bounded.ts';

/** Tokens whose signature was found right a moment ago. */
export interface TokenMemory {
  /** What the token says, if it was found right for this resource and still is. */
  recall(token: string, resource: string): JWTPayload | undefined;
  keep(token: string, resource: string, claims: JWTPayload): void;
}

/** What the memory needs. */
export interface TokenMemoryOptions {
  readonly now: () => number;
  readonly tokensMax: number;
  /** After this time a token is checked anew, so that a key which its issuer withdrew does not count for long. */
  readonly keepMs: number;
}

interface Kept {
  readonly claims: JWTPayload;
  readonly untilMs: number;
}

/**
 * Spares the signature check, which costs more than the rest of a request. Tokens are kept as their digests only; the one
 * kept for longest makes room.
 */
export function createTokenMemory({ now, tokensMax, keepMs }: TokenMemoryOptions): TokenMemory {
  const kept = new Map<string, Kept>();
  return {
    recall: (token, resource) => {
      const found = kept.get(keyOf(token, resource));
      return found !== undefined && now() < found.untilMs ? found.claims : undefined;
    },
    keep: (token, resource, claims) => {
      const endMs = (claims.exp ?? 0) * 1_000;
      const value = { claims, untilMs: Math.min(endMs, now() + keepMs) };
      keepBounded(kept, { key: keyOf(token, resource), value, entriesMax: tokensMax });
    },
  };
}

function keyOf(token: string, resource: string): string {
  return createHash('sha256').update(token).update('\n').update(resource).digest('base64');
}
