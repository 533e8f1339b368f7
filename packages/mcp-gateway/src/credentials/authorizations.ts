import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import { readAuthorizationUrl, serverOfState } from './authorization-required.ts';
import type { Credentials } from './credentials.ts';
import type { AuthorizationCallback } from './user-authorization.ts';

/** How users let the host act for them at tool servers. */
export interface Authorizations {
  /**
   * Connects as this principal. Resolves to the URL that they have to open first, or to undefined when the host may act
   * for them. Throws `mcp_tool_not_found` for a server that the tenant does not have.
   */
  begin(principal: Principal, server: string): Promise<string | undefined>;
  /**
   * What the browser brought back to the one redirect URL of all servers. Throws `failed_precondition` when this
   * principal began nothing that waits for it.
   */
  finish(principal: Principal, callback: AuthorizationCallback): Promise<void>;
}

/** A server that may want users to authorize the host. */
export interface AuthorizingServer {
  /** Undefined for a server that is not reached over HTTP. */
  readonly credentials: Credentials | undefined;
  readonly connect: (principal: Principal) => Promise<void>;
}

/** `find` knows what the tenant may see. */
export function createAuthorizations(
  find: (server: string, tenant: string) => AuthorizingServer | undefined,
): Authorizations {
  return {
    begin: async (principal, server) => {
      const found = find(server, principal.tenant);
      if (found === undefined) {
        throw new HostError('mcp_tool_not_found', 'no such tool server', { facts: { server } });
      }
      try {
        await found.connect(principal);
        return undefined;
      } catch (thrown) {
        const url = readAuthorizationUrl(thrown);
        if (url === undefined) throw thrown;
        return url;
      }
    },
    finish: async (principal, callback) => {
      const found = find(serverOfState(callback.state), principal.tenant);
      if (found?.credentials === undefined) {
        throw new HostError(
          'failed_precondition',
          'no authorization of yours waits for this answer',
        );
      }
      await found.credentials.finish(principal, callback);
    },
  };
}
