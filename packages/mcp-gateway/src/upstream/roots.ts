import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { ExchangeOutcome, InputRequest } from '../relay.ts';
import type { ToolServerSpec } from '../server-spec.ts';

/** What is left to ask when the configured roots have answered what they can. */
export interface RestOfInput {
  readonly requests: Readonly<Record<string, InputRequest>>;
  /** Keys of the requests that the roots answer. */
  readonly rootsKeys: readonly string[];
}

type InputRequired = ExchangeOutcome & { readonly kind: 'input-required' };

const statePrefix = 'modelhost-roots:';

/** The answer to `roots/list`; undefined when the operator configured none, so that the caller is asked. */
export function rootsResultOf({ roots }: ToolServerSpec): JsonObject | undefined {
  if (roots.length === 0) return undefined;
  return { roots: roots.map(({ uri, name }) => ({ uri, name })) };
}

/** Sets requests for roots apart from the others. */
export function splitRoots(requests: Readonly<Record<string, InputRequest>>): RestOfInput {
  const entries = Object.entries(requests);
  const rest = entries.filter(([, { method }]) => method !== 'roots/list');
  const rootsKeys = entries.flatMap(([key, { method }]) => (method === 'roots/list' ? [key] : []));
  return { requests: Object.fromEntries(rest), rootsKeys };
}

/**
 * The outcome without its requests for roots. Nothing is kept here meanwhile: the state that goes out says which keys the
 * roots answer when it comes back.
 */
export function withoutRoots(outcome: InputRequired): InputRequired {
  const { requests, rootsKeys } = splitRoots(outcome.inputRequests);
  const { requestState } = outcome;
  const isOurs = requestState?.startsWith(statePrefix) === true;
  if (rootsKeys.length === 0 && !isOurs) return outcome;
  const kept = requestState === undefined ? { rootsKeys } : { rootsKeys, requestState };
  return {
    kind: 'input-required',
    inputRequests: requests,
    requestState: statePrefix + JSON.stringify(kept),
  };
}

/** Params that go on with an exchange, with the roots and the upstream's own state put back in. */
export function withRoots(params: JsonObject, rootsResult: JsonObject): JsonObject {
  const { requestState: state, ...rest } = params;
  if (typeof state !== 'string' || !state.startsWith(statePrefix)) return params;
  const kept = readKept(state.slice(statePrefix.length));
  if (kept === undefined) return params;
  const { rootsKeys, requestState } = kept;
  const given = isJsonObject(params['inputResponses']) ? params['inputResponses'] : {};
  const added = Object.fromEntries(rootsKeys.map((key) => [key, rootsResult]));
  return {
    ...rest,
    inputResponses: { ...given, ...added },
    ...(requestState === undefined ? {} : { requestState }),
  };
}

/** It went through other hands: what is not as we wrote it is left to the upstream to refuse. */
function readKept(
  text: string,
):
  | { readonly rootsKeys: readonly string[]; readonly requestState: string | undefined }
  | undefined {
  try {
    const kept = parseJsonText(text);
    if (!isJsonObject(kept)) return undefined;
    const { rootsKeys, requestState } = kept;
    if (!Array.isArray(rootsKeys)) return undefined;
    if (requestState !== undefined && typeof requestState !== 'string') return undefined;
    return { rootsKeys: rootsKeys.map(String), requestState };
  } catch {
    return undefined;
  }
}
