import type { HostError } from '@modelhost/kernel';
import type { ListedTool } from './catalogue.ts';
import { createConnection, isEndedByProbe } from './connection.ts';
import type { Connection, ConnectionOptions, NewConnection } from './connection.ts';
import { untilAborted } from './until-aborted.ts';

/** Opens connections to one server and owns each until its process or session has ended. */
export interface ConnectionOpener {
  /** Opens one and reads its tools before `deadline` aborts. */
  open(deadline: AbortSignal): Promise<Connection>;
  /** Ends every connection, also those that are still opening. */
  close(): Promise<void>;
}

/** What an opener is made of. */
export interface ConnectionOpenerOptions extends Omit<ConnectionOptions, 'isLegacy' | 'onClosed'> {
  /** The tools as listed by a new connection, before anybody gets it. */
  readonly onConnected: (tools: readonly ListedTool[]) => void;
  readonly onLost: (connection: Connection, failure: HostError | undefined) => void;
}

/** Nothing is started before `open`. */
export function createConnectionOpener(options: ConnectionOpenerOptions): ConnectionOpener {
  const isStdio = options.spec.transport.type === 'stdio';
  const alive = new Set<NewConnection>();
  const endings = new Set<Promise<void>>();
  // A program stays of one era: asking it again would cost a round trip, or its life.
  let isLegacy = false;

  async function open(deadline: AbortSignal): Promise<Connection> {
    try {
      const opened = await openEither(deadline);
      isLegacy = isStdio && opened.isLegacy();
      return opened;
    } catch (cause) {
      isLegacy = false;
      throw cause;
    }
  }

  async function openEither(deadline: AbortSignal): Promise<Connection> {
    try {
      return await openOnce(deadline, isLegacy);
    } catch (cause) {
      if (isLegacy || !isStdio || !isEndedByProbe(cause)) throw cause;
      return await openOnce(deadline, true);
    }
  }

  async function openOnce(deadline: AbortSignal, asLegacy: boolean): Promise<Connection> {
    deadline.throwIfAborted();
    let opened: Connection | undefined;
    const fresh = createConnection({
      ...options,
      isLegacy: asLegacy,
      onClosed: (failure) => {
        end(fresh);
        if (opened !== undefined) options.onLost(opened, failure);
      },
    });
    alive.add(fresh);
    try {
      opened = await untilAborted(fresh.open(), deadline);
      options.onConnected(await untilAborted(opened.listTools(), deadline));
      return opened;
    } catch (cause) {
      end(fresh);
      throw cause;
    }
  }

  function end(connection: NewConnection): void {
    if (!alive.delete(connection)) return;
    const ending = connection.close().catch((cause: unknown) => {
      options.log('gateway', `it could not be closed: ${String(cause)}`);
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
