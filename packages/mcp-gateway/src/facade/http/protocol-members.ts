import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';

/** Members with a meaning in JSON-RPC or MCP, in the objects that the protocol itself defines. */
const members: readonly string[] = [
  'jsonrpc id method params result error code message data',
  '_meta name arguments uri cursor ref type argument value context',
  'level protocolVersion capabilities clientInfo requestId reason',
  'progressToken progress total task taskId notifications',
  'inputResponses requestState resultType inputRequests',
  'action content model role stopReason roots',
  'io.modelcontextprotocol/protocolVersion io.modelcontextprotocol/clientInfo',
  'io.modelcontextprotocol/clientCapabilities io.modelcontextprotocol/logLevel',
  'io.modelcontextprotocol/subscriptionId io.modelcontextprotocol/related-task',
  'traceparent tracestate baggage',
].flatMap((names) => names.split(' '));
const known: ReadonlySet<string> = new Set(members);
const knownFolded: ReadonlySet<string> = new Set(members.map(fold));

/**
 * Whether an object of the protocol has a key that differs from one of its members by case only. A parser that does not
 * heed case would take it for the member. Tool arguments and other content are free.
 */
export function hasCaseVariant(message: JsonObject): boolean {
  const params = message['params'];
  if (hasVariant(message) || hasVariant(message['result']) || hasVariant(message['error'])) {
    return true;
  }
  if (!isJsonObject(params)) return false;
  return (
    hasVariant(params) ||
    hasVariant(params['_meta']) ||
    hasVariant(params['ref']) ||
    hasVariant(params['argument'])
  );
}

function hasVariant(value: Json | undefined): boolean {
  if (!isJsonObject(value)) return false;
  for (const key in value) {
    if (!known.has(key) && knownFolded.has(fold(key))) return true;
  }
  return false;
}

/** Upper case first: it also takes in the letters that only fold to ASCII, such as the long s and the Kelvin sign. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase();
}
