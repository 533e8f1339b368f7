import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { RpcError } from '../relay.ts';
import type { FacadeChange, FacadeOutcome, SubscriptionFilter } from './core-types.ts';
import { rpcFailure, rpcNotification } from './http/rpc-message.ts';
import type { RpcId } from './http/rpc-message.ts';

/** Member of a result's `_meta` by which a server says who it is. */
export const serverInfoKey = 'io.modelcontextprotocol/serverInfo';
const subscriptionKey = 'io.modelcontextprotocol/subscriptionId';

/** The answer to a request of 2026-07-28, as JSON. */
export function toAnswerText(id: RpcId, outcome: FacadeOutcome, serverInfo: JsonObject): string {
  switch (outcome.kind) {
    case 'error':
      return toErrorText(id, outcome.error);
    case 'result':
      return around(id, outcome.text ?? toResultText(outcome.result, serverInfo));
    case 'input-required': {
      const { inputRequests, requestState } = outcome;
      const result = {
        resultType: 'input_required',
        inputRequests,
        requestState,
        _meta: { [serverInfoKey]: serverInfo },
      };
      return around(id, JSON.stringify(result));
    }
  }
}

/** An error as the answer to a request, or to something that is none. */
export function toErrorText(id: RpcId | undefined, error: RpcError): string {
  return JSON.stringify(rpcFailure(id, error));
}

/** First message of a subscription. */
export function toAcknowledged(id: RpcId, notifications: SubscriptionFilter): JsonObject {
  return rpcNotification('notifications/subscriptions/acknowledged', {
    // A filter is JSON as it is; its type only says less than that.
    notifications: { ...notifications } as JsonObject,
    _meta: { [subscriptionKey]: id },
  });
}

/** A change as a message of a subscription. */
export function toChanged(id: RpcId, change: FacadeChange): JsonObject {
  const meta = { [subscriptionKey]: id };
  switch (change.type) {
    case 'tools':
    case 'prompts':
    case 'resources':
      return rpcNotification(`notifications/${change.type}/list_changed`, { _meta: meta });
    case 'resource-updated':
      return rpcNotification('notifications/resources/updated', { uri: change.uri, _meta: meta });
    case 'task':
      return rpcNotification('notifications/tasks', { ...change.params, _meta: meta });
  }
}

/** Last message of a subscription that ends well. */
export function toSubscriptionEnd(id: RpcId, serverInfo: JsonObject): string {
  const meta = { [subscriptionKey]: id, [serverInfoKey]: serverInfo };
  return around(id, JSON.stringify({ resultType: 'complete', _meta: meta }));
}

/** A task says what it is itself; everything else is complete. */
function toResultText(result: JsonObject, serverInfo: JsonObject): string {
  const { _meta: meta } = result;
  return JSON.stringify({
    resultType: 'complete',
    ...result,
    _meta: { ...(isJsonObject(meta) ? meta : {}), [serverInfoKey]: serverInfo },
  });
}

function around(id: RpcId, result: string): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`;
}
