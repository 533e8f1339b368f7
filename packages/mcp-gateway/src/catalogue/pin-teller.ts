import { setImmediate } from 'node:timers/promises';
import { keepBounded } from '../keep-bounded.ts';
import type { ListedTool } from './listed-tools.ts';
import type { PinDrift } from './pin-admin.ts';
import type { PinnedServer, PinViews } from './pin-views.ts';
import type { ServerEntry } from './server-entry.ts';

/** Definitions that nobody looked at yet. */
export interface Fresh {
  /** Approved since they are the first of their server. */
  readonly trusted: readonly ListedTool[];
  readonly held: readonly ListedTool[];
}

/** What a teller works with. */
export interface PinTellerOptions {
  readonly views: PinViews;
  readonly pinned: () => readonly PinnedServer[];
  readonly log: (alias: string, message: string) => void;
  readonly onDrift: (drift: PinDrift) => void;
}

const toldMax = 16_384;
const describedAtOnce = 8;

/** Tells of definitions: each digest that is held back once, and what looks like an attack in any of them. */
export function createPinTeller(
  options: PinTellerOptions,
): (entry: ServerEntry, fresh: Fresh) => Promise<void> {
  const { views, pinned, log } = options;
  const told = createMemory(toldMax);

  async function tell(entry: ServerEntry, { trusted, held }: Fresh): Promise<void> {
    const { alias } = entry;
    const untold = held.filter(({ serverTool, digest }) =>
      told.isNew(JSON.stringify([alias, serverTool, digest])),
    );
    if (trusted.length > 0) {
      log(alias, `its first list is approved as it is: ${trusted.length} definitions`);
    }
    await describe(entry, trusted, () => {});
    await describe(entry, untold, options.onDrift);
  }

  async function describe(
    entry: ServerEntry,
    tools: readonly ListedTool[],
    onDrift: (drift: PinDrift) => void,
  ): Promise<void> {
    const servers = pinned();
    const server = servers.find(({ catalogue }) => catalogue === entry.tools);
    if (server === undefined || tools.length === 0) return;
    let count = 0;
    for (const drift of views.describe(servers, server, tools)) {
      for (const warning of drift.warnings) log(entry.alias, `${drift.name}: ${warning}`);
      onDrift(drift);
      count += 1;
      // A difference takes a while to find: others get their turn between some of them.
      if (count % describedAtOnce === 0) await setImmediate(); // oxlint-disable-line no-await-in-loop
    }
  }

  return tell;
}

/** Remembers the last `max` keys. */
function createMemory(max: number): { readonly isNew: (key: string) => boolean } {
  const keys = new Map<string, true>();

  function isNew(key: string): boolean {
    if (keys.has(key)) return false;
    keepBounded(keys, { key, value: true, entriesMax: max });
    return true;
  }

  return { isNew };
}
