import type { AnswerChange, DirectAnswer } from '@modelhost/agent-core';
import type { Json } from '@modelhost/kernel';
import type { ExchangeOutcome } from '@modelhost/mcp-gateway';
import { mapJsonObject, mapMembers } from './mcp-members.ts';

const unknownError = -32_603;

/** What a server answered, as policy is asked about it; undefined where it has not answered. */
export function relayedAnswer(outcome: ExchangeOutcome): DirectAnswer | undefined {
  if (outcome.kind !== 'complete') return undefined;
  const { result } = outcome;
  return {
    bytes: bytesOf(result),
    text: () => JSON.stringify(result),
  };
}

/** The same with everything changed that its server wrote. */
export function mapOutcome(outcome: ExchangeOutcome, change: AnswerChange): ExchangeOutcome {
  switch (outcome.kind) {
    case 'complete':
      return { kind: 'complete', result: mapMembers(outcome.result, change, outcome.part) };
    case 'input-required':
      return { ...outcome, inputRequests: mapRequests(outcome.inputRequests, change) };
    case 'error': {
      const { code, message, data } = outcome.error;
      const changed = data === undefined ? {} : { data: mapJsonObject(data, change) };
      // A code is a number like any other.
      const isPlain = change.json(code) === code;
      return {
        kind: 'error',
        error: { code: isPlain ? code : unknownError, message: change.text(message), ...changed },
      };
    }
  }
}

type InputRequests = Extract<ExchangeOutcome, { kind: 'input-required' }>['inputRequests'];

function mapRequests(requests: InputRequests, change: AnswerChange): InputRequests {
  return Object.fromEntries(
    Object.entries(requests).map(([key, { method, params }]) => [
      key,
      { method, params: mapMembers(params, change) },
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
