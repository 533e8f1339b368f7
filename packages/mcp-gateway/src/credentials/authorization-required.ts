import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import { isJsonObject } from '@modelhost/kernel';
import type { ExchangeOutcome } from '../relay.ts';

const urlFact = 'authorization_url';

/** Key of the request for authorization among the input requests of an exchange; no server's own key is like it. */
export const authorizationRequestKey = 'modelhost/authorization';

/** The user has to open the URL, which leads back to the host, before the server lets the host act for them. */
export function authorizationRequired(server: string, url: URL): HostError {
  const message = `${server}: authorize the host at ${url.host} first`;
  return new HostError('failed_precondition', message, {
    facts: { server, [urlFact]: url.href },
  });
}

/** The URL that such an error asks the user to open; it was checked to be one of the web. */
export function readAuthorizationUrl(thrown: unknown): string | undefined {
  return thrown instanceof HostError ? thrown.facts[urlFact] : undefined;
}

/**
 * The error as a request for input in URL mode, for callers that can show one. The answer goes to nobody: once the user
 * is through, the same exchange is simply sent again, without the answer under {@link authorizationRequestKey}.
 */
export function toAuthorizationOutcome(
  thrown: unknown,
  capabilities: JsonObject,
): ExchangeOutcome | undefined {
  const url = readAuthorizationUrl(thrown);
  if (url === undefined || !(thrown instanceof HostError)) return undefined;
  const { elicitation } = capabilities;
  if (!isJsonObject(elicitation) || elicitation['url'] === undefined) return undefined;
  const elicitationId = new URL(url).searchParams.get('state') ?? url;
  const params = { mode: 'url', message: thrown.message, url, elicitationId };
  return {
    kind: 'input-required',
    inputRequests: { [authorizationRequestKey]: { method: 'elicitation/create', params } },
    requestState: undefined,
  };
}
