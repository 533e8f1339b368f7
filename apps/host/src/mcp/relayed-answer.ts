import type { DirectAnswer } from '@modelhost/agent-core';
import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import type { ExchangeOutcome } from '@modelhost/mcp-gateway';

/** Members that are no text for anybody: names of the protocol, addresses and encoded bytes. */
const untouched: ReadonlySet<string> = new Set([
  '_meta',
  'type',
  'role',
  'uri',
  'mimeType',
  'data',
  'blob',
]);

/** What a server answered, as policy is asked about it; undefined where it has not answered. */
export function relayedAnswer(outcome: ExchangeOutcome): DirectAnswer<ExchangeOutcome> | undefined {
  if (outcome.kind !== 'complete') return undefined;
  const { result } = outcome;
  return {
    bytes: bytesOf(result),
    text: () => JSON.stringify(result),
    map: (change) => ({ ...outcome, result: mapTexts(result, change) }),
  };
}

/** How deep a result may go has been seen to by the gateway. */
function bytesOf(value: Json): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 0;
  let bytes = 0;
  for (const inner of Object.values(value)) bytes += bytesOf(inner);
  return bytes;
}

function mapTexts(object: JsonObject, change: (text: string) => string): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name,
      untouched.has(name) ? value : mapText(value, change),
    ]),
  );
}

function mapText(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (isJsonObject(value)) return mapTexts(value, change);
  return Array.isArray(value) ? value.map((inner: Json) => mapText(inner, change)) : value;
}
