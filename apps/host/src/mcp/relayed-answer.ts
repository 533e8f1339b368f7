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
export function relayedAnswer(outcome: ExchangeOutcome): DirectAnswer | undefined {
  if (outcome.kind !== 'complete') return undefined;
  const { result } = outcome;
  return {
    bytes: bytesOf(result),
    text: () => JSON.stringify(result),
  };
}

/** The same with every text changed that is for anybody to read. */
export function mapOutcome(
  outcome: ExchangeOutcome,
  change: (text: string) => string,
): ExchangeOutcome {
  switch (outcome.kind) {
    case 'complete':
      return { ...outcome, result: mapTexts(outcome.result, change) };
    case 'input-required':
      return { ...outcome, inputRequests: mapRequests(outcome.inputRequests, change) };
    case 'error': {
      const { code, message, data } = outcome.error;
      const changed = data === undefined ? {} : { data: mapTexts(data, change) };
      return { kind: 'error', error: { code, message: change(message), ...changed } };
    }
  }
}

type InputRequests = Extract<ExchangeOutcome, { kind: 'input-required' }>['inputRequests'];

function mapRequests(requests: InputRequests, change: (text: string) => string): InputRequests {
  return Object.fromEntries(
    Object.entries(requests).map(([key, { method, params }]) => [
      key,
      { method, params: mapTexts(params, change) },
    ]),
  );
}

/** How deep a result may go has been seen to by the gateway. */
function bytesOf(value: Json): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 0;
  let bytes = 0;
  for (const inner of Object.values(value)) bytes += bytesOf(inner);
  return bytes;
}

/** An object of MCP with every text changed that is for anybody to read. */
export function mapTexts(object: JsonObject, change: (text: string) => string): JsonObject {
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
