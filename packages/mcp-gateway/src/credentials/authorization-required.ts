import { HostError, isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { Exchange, ExchangeOutcome } from '../relay.ts';

const urlFact = 'authorization_url';

/** Of the request for authorization among the input requests of an exchange; no server's own key is like it. */
const requestKey = 'modelhost/authorization';

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
 * is through, the same exchange is simply sent again by way of {@link withoutAuthorizationAnswer}.
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
    inputRequests: { [requestKey]: { method: 'elicitation/create', params } },
    requestState: undefined,
  };
}

/** The exchange as the server may see it: whether the user has opened our URL is nothing to it. */
export function withoutAuthorizationAnswer({ method, params }: Exchange): Exchange {
  const { inputResponses, ...rest } = params;
  if (!isJsonObject(inputResponses) || !Object.hasOwn(inputResponses, requestKey)) {
    return { method, params };
  }
  const { [requestKey]: _answer, ...others } = inputResponses;
  const isOurs = Object.keys(others).length === 0;
  return { method, params: isOurs ? rest : { ...rest, inputResponses: others } };
}

/** `state` of an authorization. It tells which server it is for; the rest nobody guesses. */
export function stateOf(server: string, unguessable: string): string {
  return `${server}.${unguessable}`;
}

/** The server that a `state` is for, if it is one of ours. */
export function serverOfState(state: string): string {
  return state.split('.', 1)[0] ?? '';
}
