import { HostError } from '@modelhost/kernel';
import type { Clock } from '@modelhost/kernel';
import type { Connection } from './connection.ts';
import type { ListKind, UpstreamLists } from './lists.ts';
import type { Line } from './supervisor-line.ts';

/** Reads the lists of a server when a connection is new, when they change, and when they are old. */
export interface ListKeeper {
  /** Reads all of them on a new connection; one that is not shared only needs to when they are old. */
  prepare(connection: Connection, isShared: boolean): Promise<void>;
  /** Reads the kind soon, together with others that change meanwhile. */
  changed(kind: ListKind): void;
  /** Reads all of them soon if they are old. */
  refreshOld(): void;
  stop(): void;
}

/** What a keeper is made of. */
export interface ListKeeperOptions {
  readonly clock: Clock;
  /** Changes within this time are read together. */
  readonly debounceMs: number;
  readonly ageMsMax: number;
  /** A line that is connected, if there is any. */
  readonly connected: () => Line | undefined;
  readonly onLists: (lists: Partial<UpstreamLists>, connection: Connection) => Promise<void>;
  readonly log: (message: string) => void;
}

/** One reading at a time: whatever changes while it runs is read once more after it. */
export function createListKeeper(options: ListKeeperOptions): ListKeeper {
  const { clock, debounceMs, ageMsMax, log } = options;
  let changedKinds = new Set<ListKind>();
  let readAtMs = -Infinity;
  let cancelTimer: (() => void) | undefined;
  let isReading = false;
  let isStopped = false;

  async function prepare(connection: Connection, isShared: boolean): Promise<void> {
    if (!isShared && !isOld()) return;
    const lists = await connection.lists();
    readAtMs = clock.now();
    await options.onLists(lists, connection);
  }

  function isOld(): boolean {
    return clock.now() - readAtMs >= ageMsMax;
  }

  function refreshOld(): void {
    if (!isOld()) return;
    // Not at every look, should it fail.
    readAtMs = clock.now();
    for (const kind of ['tools', 'prompts', 'resources'] as const) changed(kind);
  }

  function changed(kind: ListKind): void {
    changedKinds.add(kind);
    plan();
  }

  function plan(): void {
    if (isStopped || isReading || changedKinds.size === 0) return;
    cancelTimer ??= clock.setTimer(debounceMs, () => void readChanged());
  }

  async function readChanged(): Promise<void> {
    const kinds = changedKinds;
    changedKinds = new Set();
    cancelTimer = undefined;
    isReading = true;
    try {
      await read(kinds);
    } catch (cause) {
      log(`the catalogue stays as it was: ${String(cause)}`);
    } finally {
      isReading = false;
    }
    plan();
  }

  async function read(kinds: ReadonlySet<ListKind>): Promise<void> {
    const line = options.connected();
    const connection = line?.current();
    if (line === undefined || connection === undefined) {
      // The next connection reads everything.
      readAtMs = -Infinity;
      return;
    }
    try {
      const lists = await connection.lists(kinds);
      line.answered(connection);
      await options.onLists(only(kinds, lists), connection);
    } catch (cause) {
      if (cause instanceof HostError) line.failed(connection, cause);
      if (line.current() === connection) throw cause;
      // A list is safe to ask for once more, and the new connection does.
      readAtMs = -Infinity;
      await line.connect();
    }
  }

  function stop(): void {
    isStopped = true;
    cancelTimer?.();
  }

  return { prepare, changed, refreshOld, stop };
}

function only(kinds: ReadonlySet<ListKind>, lists: UpstreamLists): Partial<UpstreamLists> {
  const { tools, prompts, resources, resourceTemplates } = lists;
  return {
    ...(kinds.has('tools') ? { tools } : {}),
    ...(kinds.has('prompts') ? { prompts } : {}),
    ...(kinds.has('resources') ? { resources, resourceTemplates } : {}),
  };
}
