import type { Json, JsonObject } from '@modelhost/kernel';

/** Members that the protocol keeps for the hop between two parties. */
const hopPrefix = 'io.modelcontextprotocol/';
const progressToken = 'progressToken';
const nothing: JsonObject = {};

/**
 * What of a request's `_meta` goes on to the upstream: trace context and members of other vendors. The protocol's own
 * (version, capabilities, progress token, log level) belong to this hop and are never passed on.
 */
export function relayedMeta(meta: JsonObject | undefined): JsonObject {
  let kept: Record<string, Json> | undefined;
  for (const key in meta) {
    if (key === progressToken || key.startsWith(hopPrefix)) continue;
    const value = meta[key];
    if (value === undefined) continue;
    kept ??= {};
    kept[key] = value;
  }
  return kept ?? nothing;
}
