import { HostError } from '@modelhost/kernel';
import type { Connection } from './connection.ts';
import { createConnectionOpener } from './connection-opener.ts';
import type { ConnectionOpenerOptions } from './connection-opener.ts';

/** Keeps at most one connection to a server, and makes it when it is asked for. It never tries again by itself. */
export interface Connector {
  /** The connection there is, or the outcome of one attempt that is shared by all who wait for it. */
  connect(): Promise<Connection>;
  /** Gives a connection up: its calls in flight go on, the next `connect` makes a new one. */
  giveUp(connection: Connection, error: HostError): void;
  state(): 'connecting' | 'ready' | 'failed' | 'closed';
  /** Why there is no connection. */
  error(): HostError | undefined;
  /** Ends every connection, also those that are still opening. */
  close(): Promise<void>;
}

/** What a connector is made of. */
export type ConnectorOptions = Omit<ConnectionOpenerOptions, 'onLost'>;

/** Nothing is started before `connect`. */
export function createConnector(options: ConnectorOptions): Connector {
  const { alias: server, connectTimeoutMs } = options.spec;
  const closing = new AbortController();
  const opener = createConnectionOpener({ ...options, onLost: lose });
  let current: Connection | undefined;
  let connecting: Promise<Connection> | undefined;
  let error: HostError | undefined;

  function connect(): Promise<Connection> {
    if (current !== undefined) return Promise.resolve(current);
    connecting ??= attempt().finally(() => {
      connecting = undefined;
    });
    return connecting;
  }

  async function attempt(): Promise<Connection> {
    const timeout = AbortSignal.timeout(connectTimeoutMs);
    try {
      current = await opener.open(AbortSignal.any([closing.signal, timeout]));
      error = undefined;
      return current;
    } catch (cause) {
      error = toConnectError(cause, timeout);
      throw error;
    }
  }

  function lose(connection: Connection, failure: HostError | undefined): void {
    if (current !== connection) return;
    current = undefined;
    error = failure ?? connectionFailed(server, 'its connection ended');
  }

  function giveUp(connection: Connection, cause: HostError): void {
    if (current !== connection) return;
    current = undefined;
    error = cause;
    connection.retire();
  }

  function toConnectError(cause: unknown, timeout: AbortSignal): HostError {
    if (closing.signal.aborted) return connectionFailed(server, 'the gateway is closed', cause);
    if (cause instanceof HostError) return cause;
    if (!timeout.aborted) return connectionFailed(server, 'it could not be connected', cause);
    const facts = { server, timeout_ms: String(connectTimeoutMs) };
    const message = `${server}: not connected in ${connectTimeoutMs} ms`;
    return new HostError('mcp_timeout', message, { facts, cause });
  }

  function state(): 'connecting' | 'ready' | 'failed' | 'closed' {
    if (closing.signal.aborted) return 'closed';
    if (current !== undefined) return 'ready';
    return connecting === undefined ? 'failed' : 'connecting';
  }

  async function close(): Promise<void> {
    closing.abort();
    await opener.close();
  }

  return { connect, giveUp, state, error: () => error, close };
}

function connectionFailed(server: string, reason: string, cause?: unknown): HostError {
  return new HostError('mcp_connection_failed', `${server}: ${reason}`, {
    facts: { server },
    cause,
  });
}
