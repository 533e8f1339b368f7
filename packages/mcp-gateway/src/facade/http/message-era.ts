import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import { isModernVersion } from './legacy-versions.ts';
import type { RpcMessage } from './rpc-message.ts';

const versionKey = 'io.modelcontextprotocol/protocolVersion';
const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities';

/**
 * Which protocol a posted message belongs to. The body says it: a message that names its protocol version in `_meta` is of
 * the new kind, even when the version is not one. Without that the header counts. `initialize` is of the old kind unless
 * the rest of it is of the new one.
 */
export function eraOf(message: RpcMessage, versionHeader: string | undefined): 'modern' | 'legacy' {
  if (message.kind === 'response' || message.kind === 'failure') return 'legacy';
  const { kind, method, params } = message;
  const meta = isJsonObject(params['_meta']) ? params['_meta'] : undefined;
  const isByHeader = versionHeader !== undefined && isModernVersion(versionHeader);
  if (kind === 'request' && method === 'initialize') {
    return isByHeader || isModernMeta(meta) ? 'modern' : 'legacy';
  }
  return isByHeader || meta?.[versionKey] !== undefined ? 'modern' : 'legacy';
}

function isModernMeta(meta: JsonObject | undefined): boolean {
  const version = meta?.[versionKey];
  const isNew = typeof version === 'string' && isModernVersion(version);
  return isNew && isJsonObject(meta?.[capabilitiesKey]);
}
