import type { DpopSession } from '@modelcontextprotocol/client';
import type { Principal } from '@modelhost/kernel';

/** A token as it goes out. */
export interface AccessToken {
  readonly value: string;
  /** Proves each request, when the token is bound to a key. */
  readonly dpop: DpopSession | undefined;
  /** Separated by spaces; as granted, else as asked for. */
  readonly scope: string | undefined;
  /** Milliseconds since 1970; absent when nobody said. */
  readonly expiresAt: number | undefined;
}

/** Why the server refused a request. All of it is the server's own word. */
export interface Challenge {
  readonly reason: 'unauthorized' | 'insufficient-scope';
  readonly scope: string | undefined;
  readonly resourceMetadataUrl: URL | undefined;
  /** The server takes tokens that are bound to a key. */
  readonly isDpop: boolean;
}

/** Where the tokens of one server come from. */
export interface TokenSource {
  /** A token that is still good; absent when the server has to be asked first what it wants. */
  current(principal: Principal, signal: AbortSignal): Promise<AccessToken | undefined>;
  /** Another token after `refused` was not accepted. Those who ask at the same time get the same one. */
  renew(
    principal: Principal,
    challenge: Challenge,
    refused: AccessToken | undefined,
    signal: AbortSignal,
  ): Promise<AccessToken>;
}

/** A token this near to its end is not used for another request. */
const expiryMarginMs = 30_000;

/** Whether the token is good for another request. */
export function isGood(token: AccessToken | undefined, nowMs: number): token is AccessToken {
  if (token === undefined) return false;
  return token.expiresAt === undefined || token.expiresAt - expiryMarginMs > nowMs;
}

/** When a token that lives for so many seconds from now ends. */
export function expiryOf(expiresInSeconds: number | undefined, nowMs: number): number | undefined {
  return expiresInSeconds === undefined ? undefined : nowMs + expiresInSeconds * 1_000;
}
