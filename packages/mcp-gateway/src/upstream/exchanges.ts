import type { JsonObject, Principal } from '@modelhost/kernel';
import type { Exchange, ExchangeContext, ExchangeOutcome, RpcError } from '../relay.ts';
import type { RpcNotification, RpcRequest } from './rpc-message.ts';

/** The exchanges of one connection, in the way of one era. */
export interface Exchanges {
  /** Sends one request, or goes on with one that waits for input. Rejects with an `mcp_*` error or the signal's reason. */
  exchange(
    exchange: Exchange,
    context: ExchangeContext,
    /** The tool as listed, for `tools/call`. */
    tool: JsonObject | undefined,
  ): Promise<ExchangeOutcome>;
  /** A message of the server that came with no request. Says whether it was dealt with. */
  receive(message: RpcRequest | RpcNotification): boolean;
  /** Those that wait for the upstream, and those that are parked here. */
  inFlight(): number;
  /** Whether that `requestState` is of something that is parked here. */
  hasParked(requestState: string): boolean;
  /** Gives up what is parked under it, if it is this principal's. */
  abandon(requestState: string, principal: Principal): void;
  /** Gives up what is parked. */
  close(): void;
}

/** The outcome for a `requestState` that is unknown, over, or of somebody else: one does not tell which. */
export const unknownState: ExchangeOutcome & { readonly kind: 'error' } = {
  kind: 'error',
  error: {
    code: -32_602,
    message: 'the requestState is not valid, or no longer',
  } satisfies RpcError,
};
