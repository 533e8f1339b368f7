import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { cleanText, hasHidden } from '@modelhost/shown-text';

/**
 * An object with every string in it cleaned. Throws `mcp_protocol_error` when a member's name has hidden characters:
 * cleaned it would be another name.
 */
export function cleanJson(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (hasHidden(name)) {
        throw new HostError(
          'mcp_protocol_error',
          'the name of one of its members has hidden characters',
        );
      }
      return [name, cleanValue(member)];
    }),
  );
}

function cleanValue(value: Json): Json {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map((item: Json) => cleanValue(item));
  return isJsonObject(value) ? cleanJson(value) : value;
}
