import { HostError } from '@modelhost/kernel';
import { watchedMax } from './changes.ts';
import type { Connection } from './connection.ts';

/** Resources whose changes somebody wants to hear of, over one line. */
export interface Watches {
  /** Asks the server while anybody watches. Throws `overloaded` beyond the bound. Returns the way to stop. */
  watch(uri: string): () => void;
  /** Whether anybody watches anything. */
  isHeld(): boolean;
  /** Asks again for all of it, on a new connection. */
  renew(connection: Connection): void;
}

/** What watches are made of. */
export interface WatchesOptions {
  readonly alias: string;
  readonly connect: () => Promise<Connection>;
  readonly current: () => Connection | undefined;
  /** It may have changed while there was no connection. */
  readonly onGap: (uri: string) => void;
  readonly log: (message: string) => void;
}

/** A request that fails is logged, and made again for the next who watches the same or on the next connection. */
export function createWatches(options: WatchesOptions): Watches {
  const watchers = new Map<string, number>();
  const asked = new WeakMap<Connection, Set<string>>();
  /** Of those that are watched, what a server has agreed to report. */
  const agreed = new Set<string>();

  function watch(uri: string): () => void {
    const count = watchers.get(uri) ?? 0;
    if (count === 0 && watchers.size >= watchedMax) throw tooMany(options.alias);
    watchers.set(uri, count + 1);
    void attempt(async () => await ask(await options.connect(), uri));
    let isWatched = true;
    return () => {
      if (isWatched) release(uri);
      isWatched = false;
    };
  }

  function release(uri: string): void {
    const count = watchers.get(uri) ?? 0;
    if (count > 1) {
      watchers.set(uri, count - 1);
      return;
    }
    watchers.delete(uri);
    agreed.delete(uri);
    const connection = options.current();
    if (connection === undefined || asked.get(connection)?.delete(uri) !== true) return;
    void attempt(() => connection.unwatchResource(uri));
  }

  async function ask(connection: Connection, uri: string): Promise<void> {
    const uris = asked.get(connection) ?? new Set<string>();
    asked.set(connection, uris);
    if (uris.has(uri) || !watchers.has(uri)) return;
    uris.add(uri);
    try {
      await connection.watchResource(uri);
    } catch (cause) {
      uris.delete(uri);
      throw cause;
    }
    if (!watchers.has(uri)) return;
    if (agreed.has(uri)) options.onGap(uri);
    agreed.add(uri);
  }

  async function attempt(request: () => Promise<void>): Promise<void> {
    try {
      await request();
    } catch (cause) {
      options.log(`watching a resource failed: ${String(cause)}`);
    }
  }

  function renew(connection: Connection): void {
    for (const uri of watchers.keys()) void attempt(() => ask(connection, uri));
  }

  return { watch, isHeld: () => watchers.size > 0, renew };
}

function tooMany(alias: string): HostError {
  return new HostError('overloaded', `${alias}: ${watchedMax} resources are watched`);
}
