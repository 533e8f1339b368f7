import { computeScopeUnion, isStrictScopeSuperset } from '@modelcontextprotocol/client';
import type { Principal } from '@modelhost/kernel';
import { createBySubject } from './by-subject.ts';
import { refusedCredential } from './sdk-token-source.ts';
import { authorizationRequired } from './authorization-required.ts';
import { createSingleFlight } from './single-flight.ts';
import { isGood } from './token-source.ts';
import type { AccessToken, Challenge, TokenSource } from './token-source.ts';
import { createUserAuthorization } from './user-authorization.ts';
import type { AuthorizationCallback, UserAuthorizationOptions } from './user-authorization.ts';

/** Where users authorize the host, and who shares one authorization. */
export interface UserTokenSourceOptions extends UserAuthorizationOptions {
  readonly subjectOf: (principal: Principal) => string;
}

/** Tokens of users, and the way back from the authorization server. */
export interface UserTokenSource extends TokenSource {
  finish(principal: Principal, callback: AuthorizationCallback): Promise<void>;
}

/** Each user's own; one flow at a time for each. */
export function createUserTokenSource(options: UserTokenSourceOptions): UserTokenSource {
  const { server, now, subjectOf } = options;
  const flights = createSingleFlight<AccessToken>();
  const users = createBySubject({
    subjectOf,
    create: (principal) => createUserAuthorization(options, principal),
  });

  async function current(
    principal: Principal,
    signal: AbortSignal,
  ): Promise<AccessToken | undefined> {
    const user = users.of(principal);
    const token = await user.token();
    if (token === undefined || isGood(token, now())) return token;
    return await flights.run(subjectOf(principal), () => user.authorize(false), signal);
  }

  async function renew(
    principal: Principal,
    challenge: Challenge,
    refused: AccessToken | undefined,
    signal: AbortSignal,
  ): Promise<AccessToken> {
    const user = users.of(principal);
    const token = await user.token();
    if (token !== undefined && token !== refused) return token;
    const scope = computeScopeUnion(user.scope(), token?.scope, challenge.scope);
    // Who was given what was asked for and is refused for it all the same is not sent away again.
    const isStepUp = challenge.reason === 'insufficient-scope';
    if (isStepUp && !isStrictScopeSuperset(scope, token?.scope)) throw refusedCredential(server);
    const pendingUrl = user.pendingUrl();
    if (pendingUrl !== undefined && user.scope() === scope) {
      throw authorizationRequired(server, pendingUrl);
    }
    user.want(scope, challenge);
    return await flights.run(subjectOf(principal), () => user.authorize(isStepUp), signal);
  }

  return {
    current,
    renew,
    finish: async (principal, callback) => users.of(principal).finish(callback),
  };
}
