import type { HostError, Json } from '@modelhost/kernel';
import { untilAborted } from '../until-aborted.ts';
import { createConnection } from './connection.ts';
import type { Connection, ConnectionOptions, NewConnection } from './connection.ts';
import { failed } from './failures.ts';

/** Opens connections and owns each until its process or session has ended. */
export interface ConnectionOpener {
  /** Opens one before `deadline` aborts, and hands it out once `prepare` is through with it. */
  open(
    deadline: AbortSignal,
    prepare: (connection: Connection) => Promise<void>,
  ): Promise<Connection>;
  /** Lets its exchanges in flight come to their end, then ends it. */
  readonly retire: (connection: Connection) => void;
  /** The connection that an exchange waits on which was asked for input, if it is one of these. */
  readonly parkedAt: (requestState: Json | undefined) => Connection | undefined;
  /** Ends every connection, also those that are still opening. */
  close(): Promise<void>;
}

/** What an opener is made of. */
export interface ConnectionOpenerOptions {
  /** All that a connection needs but what the opener knows itself. */
  readonly connection: () => Omit<ConnectionOptions, 'onClosed'>;
  /** A connection that was handed out is over; `failure` says why when it was not by us. */
  readonly onLost: (connection: Connection, failure: HostError | undefined) => void;
}

/** Nothing is started before `open`. */
export function createConnectionOpener(options: ConnectionOpenerOptions): ConnectionOpener {
  // By what they were before they were open.
  const opened = new Map<NewConnection, Connection>();
  const alive = new Set<NewConnection>();
  const retired = new Set<NewConnection>();
  const endings = new Set<Promise<void>>();

  async function open(
    deadline: AbortSignal,
    prepare: (connection: Connection) => Promise<void>,
  ): Promise<Connection> {
    deadline.throwIfAborted();
    endRetired();
    const common = options.connection();
    const lost = Promise.withResolvers<never>();
    // Nobody may be waiting for it.
    lost.promise.catch(() => {});
    const fresh = createConnection({ ...common, onClosed });
    alive.add(fresh);

    function onClosed(failure: HostError | undefined): void {
      const connection = opened.get(fresh);
      end(fresh);
      const { alias } = common.spec;
      lost.reject(failure ?? failed('mcp_connection_failed', alias, 'its connection ended'));
      if (connection !== undefined) options.onLost(connection, failure);
    }

    try {
      const connection = await untilAborted(fresh.open(deadline), deadline);
      await Promise.race([prepare(connection), lost.promise]);
      opened.set(fresh, connection);
      return connection;
    } catch (cause) {
      end(fresh);
      throw cause;
    }
  }

  function retire(connection: Connection): void {
    connection.retire();
    for (const [fresh, candidate] of opened) if (candidate === connection) retired.add(fresh);
    endRetired();
  }

  /** A retired connection closes itself; here it is forgotten. */
  function endRetired(): void {
    for (const fresh of retired) {
      if ((opened.get(fresh)?.exchangesInFlight() ?? 0) === 0) end(fresh);
    }
  }

  function end(connection: NewConnection): void {
    opened.delete(connection);
    retired.delete(connection);
    if (!alive.delete(connection)) return;
    const { log } = options.connection();
    const ending = connection.close().catch((cause: unknown) => {
      log('gateway', `it could not be closed: ${String(cause)}`);
    });
    endings.add(ending);
    void ending.finally(() => endings.delete(ending));
  }

  function parkedAt(requestState: Json | undefined): Connection | undefined {
    if (typeof requestState !== 'string') return undefined;
    return [...opened.values()].find((connection) => connection.hasParked(requestState));
  }

  async function close(): Promise<void> {
    for (const connection of alive) end(connection);
    await Promise.all(endings);
  }

  return { open, retire, parkedAt, close };
}
