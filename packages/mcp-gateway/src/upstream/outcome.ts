import { isJsonObject } from '@modelhost/kernel';
import type { HostError, Json, JsonObject } from '@modelhost/kernel';
import type { ExchangeOutcome, InputRequest, RelayedMethod } from '../relay.ts';
import { failed, withFacts } from './failures.ts';
import { isInputMethod } from './live-request.ts';
import type { RpcAnswer } from './rpc-message.ts';

/** An answer that says: the work goes on, ask for it by this id. */
export interface TaskAnswer {
  readonly kind: 'task';
  readonly task: JsonObject;
}

/** What an answer comes to. Throws `mcp_protocol_error` for a result whose shape is not of the protocol. */
export function readOutcome(
  answer: RpcAnswer,
  method: RelayedMethod,
  server: string,
): ExchangeOutcome | TaskAnswer {
  if (answer.kind === 'error') return answer;
  const { resultType = 'complete', ...result } = answer.result;
  if (resultType === 'input_required') return readInputRequired(result, server);
  if (resultType === 'task') return { kind: 'task', task: result };
  if (resultType !== 'complete' || !isOfShape(result, method)) throw unreadable(server);
  return { kind: 'complete', result };
}

/** The same for an upstream before 2026-07-28, whose results are all complete. */
export function readLegacyOutcome(
  answer: RpcAnswer,
  method: RelayedMethod,
  server: string,
): ExchangeOutcome {
  if (answer.kind === 'error') return answer;
  if (!isOfShape(answer.result, method)) throw unreadable(server);
  return { kind: 'complete', result: answer.result };
}

/** What the members of an `input_required` result, or of a task that needs input, ask for. */
export function readInputRequests(
  value: Json | undefined,
  server: string,
): Readonly<Record<string, InputRequest>> {
  const requests: Record<string, InputRequest> = {};
  if (!isJsonObject(value)) throw unreadable(server);
  for (const [key, request] of Object.entries(value)) {
    if (!isJsonObject(request)) throw unreadable(server);
    const { method, params = {} } = request;
    if (typeof method !== 'string' || !isInputMethod(method) || !isJsonObject(params)) {
      throw unreadable(server);
    }
    requests[key] = { method, params };
  }
  return requests;
}

/** An answer that nobody can read. */
export function unreadable(server: string): HostError {
  const fault = failed('mcp_protocol_error', server, 'its answer is not of the protocol');
  return withFacts(fault, { sent: 'true' });
}

function readInputRequired(
  { inputRequests, requestState }: JsonObject,
  server: string,
): ExchangeOutcome {
  if (inputRequests === undefined && requestState === undefined) throw unreadable(server);
  if (requestState !== undefined && typeof requestState !== 'string') throw unreadable(server);
  return {
    kind: 'input-required',
    inputRequests: readInputRequests(inputRequests ?? {}, server),
    requestState,
  };
}

/** Only what everybody relies on is looked at: the rest goes through as it came. */
function isOfShape(result: JsonObject, method: RelayedMethod): boolean {
  switch (method) {
    case 'tools/call':
      return isArrayIfAny(result['content']);
    case 'prompts/get':
      return isArrayIfAny(result['messages']);
    case 'resources/read':
      return isArrayIfAny(result['contents']);
    case 'completion/complete':
      return isJsonObject(result['completion']);
  }
}

function isArrayIfAny(value: Json | undefined): boolean {
  return value === undefined || Array.isArray(value);
}
