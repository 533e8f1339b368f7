import { setImmediate } from 'node:timers/promises';
import type { ListedTool } from './listed-tools.ts';
import type { PinDrift } from './pin-admin.ts';
import type { PinKeeper } from './pin-keeper.ts';
import type { PinnedServer, PinViews } from './pin-views.ts';
import type { ServerPins } from './pin-records.ts';
import { isApproved, observe, pinOf } from './pins.ts';
import type { ServerEntry } from './server-entry.ts';

/** Brings pins and catalogue together after a server was listed. */
export interface PinSettler {
  /** Resolves when what was listed before the call may be used as far as it is approved; never rejects. */
  settle(entry: ServerEntry): Promise<void>;
}

/** What a settler works with. */
export interface PinSettlerOptions {
  readonly keeper: PinKeeper;
  readonly views: PinViews;
  readonly pinned: () => readonly PinnedServer[];
  readonly now: () => number;
  readonly log: (alias: string, message: string) => void;
  readonly onDrift: (drift: PinDrift) => void;
  /** Offers what is approved now. */
  readonly offer: (entry: ServerEntry) => void;
}

const toldMax = 16_384;
const driftsAtOnce = 8;

/** Settles each server once at a time: lists that come meanwhile share one more round. */
export function createPinSettler(options: PinSettlerOptions): PinSettler {
  const { keeper, now, log, offer } = options;
  const told = createMemory(toldMax);
  const rounds = new Map<string, { current: Promise<void>; next: Promise<void> | undefined }>();

  function settle(entry: ServerEntry): Promise<void> {
    const { alias } = entry;
    const round = rounds.get(alias);
    if (round === undefined) {
      const current = settleOnce(entry).finally(() => rounds.delete(alias));
      rounds.set(alias, { current, next: undefined });
      return current;
    }
    round.next ??= round.current.then(() => settle(entry));
    return round.next;
  }

  async function settleOnce(entry: ServerEntry): Promise<void> {
    const { alias, tools } = entry;
    try {
      await keeper.loaded();
      await tools.build();
      const drifts = entry.isListed() ? await record(entry) : [];
      offer(entry);
      await tell(entry, drifts);
    } catch (cause) {
      log(alias, `what it lists is held back: ${String(cause)}`);
      offer(entry);
    }
  }

  /** Writes down what was listed; returns what is held back of it and was not before. */
  async function record({ alias, tools }: ServerEntry): Promise<readonly ListedTool[]> {
    const { pinning } = tools.spec;
    let fresh: readonly ListedTool[] = [];
    await keeper
      .change(alias, (before) => {
        const listed = tools.listed();
        const after = observe(before, listed, { pinning, nowMs: now() });
        fresh = listed.filter((tool) => isFresh(before, after, tool));
        return after;
      })
      // What was approved before stays approved; nothing that came with this list is.
      .catch((cause: unknown) =>
        log(alias, `what is new in its list is held back: ${String(cause)}`),
      );
    return fresh;
  }

  async function tell(entry: ServerEntry, tools: readonly ListedTool[]): Promise<void> {
    const { alias } = entry;
    const servers = options.pinned();
    const server = servers.find(({ catalogue }) => catalogue === entry.tools);
    const untold = tools.filter(({ serverTool, digest }) =>
      told.isNew(JSON.stringify([alias, serverTool, digest])),
    );
    if (server === undefined) return;
    let count = 0;
    for (const drift of options.views.drifts(servers, server, untold)) {
      for (const warning of drift.warnings) log(alias, `${drift.name}: ${warning}`);
      options.onDrift(drift);
      count += 1;
      // A difference takes a while to find: others get their turn between some of them.
      if (count % driftsAtOnce === 0) await setImmediate(); // oxlint-disable-line no-await-in-loop
    }
  }

  return { settle };
}

function isFresh(before: ServerPins | undefined, after: ServerPins, tool: ListedTool): boolean {
  if (isApproved(after, tool)) return false;
  return pinOf(before, tool.serverTool)?.pending?.digest !== tool.digest;
}

/** Remembers the last `max` keys. */
function createMemory(max: number): { readonly isNew: (key: string) => boolean } {
  const keys = new Set<string>();

  function isNew(key: string): boolean {
    if (keys.has(key)) return false;
    keys.add(key);
    const [oldest] = keys;
    if (keys.size > max && oldest !== undefined) keys.delete(oldest);
    return true;
  }

  return { isNew };
}
