import { HostError } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { readFlatForm } from './flat-form.ts';
import { showShortText } from './show-text.ts';

const messageLengthMax = 2_000;
const addressLengthMax = 2_048;

/** What a server asks of a person, as the person may see it: to fill in a form, or to open an address. */
export type Elicitation =
  | { readonly mode: 'form'; readonly message: string; readonly schema: JsonObject }
  | { readonly mode: 'url'; readonly message: string; readonly url: string };

/**
 * Reads the params of an `elicitation/create`. Throws `mcp_protocol_error` for what is neither MCP's flat form nor an
 * address that a person may be sent to; its message has no subject ("has no message"), so that the caller says whose it is.
 */
export function readElicitation(params: JsonObject): Elicitation {
  const { mode = 'form', message: given } = params;
  if (typeof given !== 'string') throw malformed('has no message');
  const message = showShortText(given, messageLengthMax);
  if (mode === 'form') return { mode, message, schema: readFlatForm(params['requestedSchema']) };
  if (mode === 'url') return { mode, message, url: readAddress(params['url']) };
  throw malformed('is neither a form nor an address');
}

/** A server may send a person to a page, not to a script, a file, or a page that looks like another (`bank.com@evil.com`). */
function readAddress(given: Json | undefined): string {
  const isShort = typeof given === 'string' && given.length <= addressLengthMax;
  const url = isShort ? URL.parse(given) : null;
  const isWeb = url !== null && url.username === '' && url.password === '';
  const isLoopback = isWeb && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (isWeb && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback))) {
    // As it was read: what is hidden is encoded by now, and a host in other scripts shows as what it is.
    return url.href;
  }
  throw malformed('wants a person to open an address that is not one of the web');
}

function malformed(what: string): HostError {
  return new HostError('mcp_protocol_error', what);
}
