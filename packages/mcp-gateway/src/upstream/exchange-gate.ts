import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { Exchanges } from './exchanges.ts';
import { failed, withFacts } from './failures.ts';

/** Lets exchanges in until the connection is retired, and closes it when the last one is over. */
export interface ExchangeGate {
  readonly exchange: Exchanges['exchange'];
  readonly retire: () => void;
  /** An exchange is over. */
  readonly onOver: () => void;
}

/** What a gate is made of. */
export interface ExchangeGateOptions {
  readonly server: string;
  readonly exchanges: () => Exchanges;
  /** A tool is not what it was when it was listed. */
  readonly onStaleTool: () => void;
  readonly close: () => Promise<void>;
}

const headerMismatch = -32_020;

/** Open at first. What fails names the tool, by its name at the server. */
export function createExchangeGate(options: ExchangeGateOptions): ExchangeGate {
  const { server, exchanges, onStaleTool, close } = options;
  let isRetired = false;

  const exchange: Exchanges['exchange'] = async (exchanged, context, tool) => {
    const { method, params } = exchanged;
    context.signal.throwIfAborted();
    try {
      if (isRetired && !goesOnHere(params)) throw isRetiredFault(server);
      const outcome = await exchanges().exchange(exchanged, context, tool);
      const isStale = outcome.kind === 'error' && outcome.error.code === headerMismatch;
      if (isStale && tool !== undefined) onStaleTool();
      return outcome;
    } catch (cause) {
      const { name } = params;
      const isOfTool = cause instanceof HostError && typeof name === 'string';
      throw isOfTool && method === 'tools/call' ? withFacts(cause, { tool: name }) : cause;
    }
  };

  function goesOnHere({ requestState }: JsonObject): boolean {
    return typeof requestState === 'string' && exchanges().hasParked(requestState);
  }

  function onOver(): void {
    if (isRetired && exchanges().inFlight() === 0) void close();
  }

  function retire(): void {
    isRetired = true;
    onOver();
  }

  return { exchange, retire, onOver };
}

function isRetiredFault(server: string): HostError {
  return failed('mcp_connection_failed', server, 'its connection is closed');
}
