import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { readElicitation, showText } from '@modelhost/shown-text';
import type { InputRequest } from '../relay.ts';
import { answersMax } from './input-answers.ts';
import { relayedMeta } from './relayed-meta.ts';
import { showJson } from './shown-texts.ts';

const idLengthMax = 2_048;

type InputRequests = Readonly<Record<string, InputRequest>>;

/**
 * What a server asks of a client, as the client may see it: texts without what is hidden in them, forms only of the kind
 * that MCP has, and only addresses that a person may be sent to. Throws `mcp_protocol_error`, beginning with who `asks`,
 * when one of the requests cannot be shown; then none is.
 */
export function showRequests(asks: string, requests: InputRequests): InputRequests {
  const entries = Object.entries(requests);
  try {
    if (entries.length > answersMax) throw malformed(`is for more than ${answersMax} answers`);
    return Object.fromEntries(entries.map(([key, request]) => [key, showRequest(request)]));
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    throw malformed(`${asks}: its request for input ${thrown.message}`);
  }
}

function showRequest({ method, params }: InputRequest): InputRequest {
  const { _meta: meta, ...own } = params;
  return { method, params: { ...showParams(method, own), ...showMeta(meta) } };
}

function showParams(method: InputRequest['method'], params: JsonObject): JsonObject {
  switch (method) {
    case 'elicitation/create':
      return showElicitation(params);
    case 'sampling/createMessage':
    case 'roots/list':
      return showJson(params);
  }
}

function showElicitation(params: JsonObject): JsonObject {
  const asked = readElicitation(params);
  const { mode, message } = asked;
  switch (mode) {
    case 'form':
      // Clients of the first version with forms know no modes.
      return {
        ...(params['mode'] === undefined ? {} : { mode }),
        message,
        requestedSchema: asked.schema,
      };
    case 'url':
      return { mode, message, url: asked.url, ...showId(params['elicitationId']) };
  }
}

/** It comes back as it is, so it is not cleaned. */
function showId(given: Json | undefined): JsonObject {
  if (given === undefined) return {};
  const isProper =
    typeof given === 'string' && given.length <= idLengthMax && showText(given) === given;
  if (isProper) return { elicitationId: given };
  throw malformed('has an id that is no short text without hidden characters');
}

/** What belongs to the hop between the server and us goes no further. */
function showMeta(given: Json | undefined): JsonObject {
  const meta = showJson(relayedMeta(isJsonObject(given) ? given : undefined));
  return Object.keys(meta).length === 0 ? {} : { _meta: meta };
}

function malformed(what: string): HostError {
  return new HostError('mcp_protocol_error', what);
}
