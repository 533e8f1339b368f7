import type { HostError } from '@modelhost/kernel';
import { createConnection } from './connection.ts';
import type { Connection, ConnectionOptions, NewConnection } from './connection.ts';
import { failed } from './failures.ts';
import { untilAborted } from '../until-aborted.ts';

/** Opens connections and owns each until its process or session has ended. */
export interface ConnectionOpener {
  /** Opens one before `deadline` aborts, and hands it out once `prepare` is through with it. */
  open(
    deadline: AbortSignal,
    prepare: (connection: Connection) => Promise<void>,
  ): Promise<Connection>;
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
  const alive = new Set<NewConnection>();
  const endings = new Set<Promise<void>>();

  async function open(
    deadline: AbortSignal,
    prepare: (connection: Connection) => Promise<void>,
  ): Promise<Connection> {
    deadline.throwIfAborted();
    const common = options.connection();
    const lost = Promise.withResolvers<never>();
    // Nobody may be waiting for it.
    lost.promise.catch(() => {});
    let opened: Connection | undefined;
    const fresh = createConnection({ ...common, onClosed });
    alive.add(fresh);

    function onClosed(failure: HostError | undefined): void {
      end(fresh);
      const { alias } = common.spec;
      lost.reject(failure ?? failed('mcp_connection_failed', alias, 'its connection ended'));
      if (opened !== undefined) options.onLost(opened, failure);
    }

    try {
      const connection = await untilAborted(fresh.open(deadline), deadline);
      await Promise.race([prepare(connection), lost.promise]);
      opened = connection;
      return connection;
    } catch (cause) {
      end(fresh);
      throw cause;
    }
  }

  function end(connection: NewConnection): void {
    if (!alive.delete(connection)) return;
    const { log } = options.connection();
    const ending = connection.close().catch((cause: unknown) => {
      log('gateway', `it could not be closed: ${String(cause)}`);
    });
    endings.add(ending);
    void ending.finally(() => endings.delete(ending));
  }

  async function close(): Promise<void> {
    for (const connection of alive) end(connection);
    await Promise.all(endings);
  }

  return { open, close };
}
