import type { JsonObject, JsonSchemas, ToolDefinition } from '@modelhost/kernel';
import type { RelayCatalogue, RelayChange } from '../relay.ts';
import { isVisibleTo } from '../server-spec.ts';
import type { ToolServerSpec } from '../server-spec.ts';
import type { UpstreamLists } from '../upstream/lists.ts';
import { instructionsName, isReserved } from './listed-tools.ts';
import { createMergedCatalogues } from './merged-catalogues.ts';
import { createOfferedTools } from './offered-tools.ts';
import type { OfferedTools } from './offered-tools.ts';
import { createPinAdmin } from './pin-approvals.ts';
import type { PinAdmin, PinDrift } from './pin-admin.ts';
import { createPinKeeper } from './pin-keeper.ts';
import type { PinStore, ServerPins } from './pin-records.ts';
import { createPinSettler } from './pin-settler.ts';
import { createPinViews } from './pin-views.ts';
import type { PinnedServer } from './pin-views.ts';
import type { ServerCatalogue } from './server-catalogue.ts';
import { createServerEntry } from './server-entry.ts';
import type { ServerEntry } from './server-entry.ts';

/** What all tool servers offer, held back where nobody approved it. Everything it returns never changes. */
export interface Catalogues extends OfferedTools {
  /**
   * Resolves when the pins are read; before that nothing is offered. Rejects with `storage_unavailable` when they cannot be
   * read: then nothing is ever offered.
   */
  loaded(): Promise<void>;
  /**
   * What a server listed; a kind that is absent stays as it was. What differs from its pin is held back before this
   * returns; what may be offered is, when it resolves. It never rejects.
   */
  update(
    alias: string,
    lists: Partial<UpstreamLists>,
    presentation: { readonly capabilities: JsonObject; readonly instructions: string },
  ): Promise<void>;
  /** How the server is doing, for `RelayServer.state`. */
  setState(alias: string, state: string): void;
  /** The same object until something changed. */
  relayCatalogue(tenant: string): RelayCatalogue;
  /** Sorted by name; the same object until something changed. */
  definitions(tenant: string): readonly ToolDefinition[];
  readonly pins: PinAdmin;
}

/** What the catalogues are made of. */
export interface CataloguesOptions {
  readonly servers: readonly ToolServerSpec[];
  readonly schemas: JsonSchemas;
  readonly pinStore: PinStore;
  /** Milliseconds since the Unix epoch: approvals carry it. */
  readonly now: () => number;
  /** A line about a server. It may hold what the server wrote. */
  readonly log: (alias: string, message: string) => void;
  readonly onDrift: (drift: PinDrift) => void;
  /** What is offered has changed. */
  readonly onChange: (change: RelayChange) => void;
}

/** Begins to read the pins at once; what was approved and listed last is then offered, before any server is reached. */
export function createCatalogues(options: CataloguesOptions): Catalogues {
  const { schemas, now, log, onChange } = options;
  const keeper = createPinKeeper(options.pinStore);
  const views = createPinViews();
  const entries = createEntries(options.servers, { schemas, log });
  const merged = createMergedCatalogues([...entries.values()].map(({ part }) => part));
  const { offered, forget } = createOfferedTools(entries, (alias) => keeper.of(alias));
  const { onDrift } = options;
  const settler = createPinSettler({ keeper, views, now, log, pinned, offer, onDrift });
  const restored = restore();
  // Who waits for `loaded` hears of it; nobody has to.
  restored.catch(() => {});

  function pinned(tenant?: string): readonly PinnedServer[] {
    return [...entries.values()]
      .filter(({ tools }) => tenant === undefined || isVisibleTo(tools.spec, tenant))
      .map(({ alias, tools }) => ({ catalogue: tools, pins: keeper.of(alias) }));
  }

  function offer(entry: ServerEntry): void {
    const { alias } = entry;
    const changed = entry.tools.offer(keeper.of(alias));
    if (changed.instructions) merged.forget('servers');
    if (changed.tools) {
      forget();
      merged.forget('tools');
      onChange({ type: 'tools', alias });
    }
    tellItems(alias, changed.isOpen ? ['resources', ...entry.offerItems()] : entry.offerItems());
  }

  function tellItems(alias: string, kinds: ReturnType<ServerEntry['take']>): void {
    for (const kind of kinds) merged.forget(kind);
    if (kinds.includes('prompts')) onChange({ type: 'prompts', alias });
    if (kinds.some((kind) => kind !== 'prompts')) onChange({ type: 'resources', alias });
  }

  async function restore(): Promise<void> {
    await keeper.loaded();
    for (const entry of entries.values()) {
      if (!entry.isListed()) restoreListed(entry.tools, keeper.of(entry.alias));
    }
    // Servers do not need each other.
    await Promise.all([...entries.values()].map((entry) => settler.settle(entry)));
  }

  async function update(
    alias: string,
    lists: Partial<UpstreamLists>,
    presentation: { readonly capabilities: JsonObject; readonly instructions: string },
  ): Promise<void> {
    const entry = entries.get(alias);
    if (entry === undefined) return;
    const changed = entry.take(lists, presentation.instructions);
    present(entry, { capabilities: presentation.capabilities });
    // Before anything else, so that nothing that changed can be called meanwhile.
    offer(entry);
    tellItems(alias, changed);
    await settler.settle(entry);
  }

  function present(entry: ServerEntry, server: Parameters<ServerEntry['present']>[0]): void {
    if (entry.present(server)) merged.forget('servers');
  }

  function setState(alias: string, state: string): void {
    const entry = entries.get(alias);
    if (entry !== undefined) present(entry, { state });
  }

  return {
    loaded: () => restored,
    update,
    setState,
    relayCatalogue: (tenant) => merged.relayCatalogue(tenant),
    definitions: (tenant) => merged.definitions(tenant),
    ...offered,
    pins: createPinAdmin({ keeper, entries, views, pinned, now, offer }),
  };
}

function createEntries(
  servers: readonly ToolServerSpec[],
  { schemas, log }: Pick<CataloguesOptions, 'schemas' | 'log'>,
): ReadonlyMap<string, ServerEntry> {
  return new Map(
    servers.map((spec) => {
      const { alias } = spec;
      const entry = createServerEntry(spec, { schemas, log: (message) => log(alias, message) });
      return [alias, entry];
    }),
  );
}

/** What a server listed last, as it was written down. */
function restoreListed(tools: ServerCatalogue, pins: ServerPins | undefined): void {
  const definitions = Object.entries(pins?.tools ?? {}).flatMap(([name, pin]) => {
    const listed = (pin.pending ?? pin.approved)?.listed;
    return pin.isListed && listed !== undefined ? [{ name, listed }] : [];
  });
  const own = definitions.find(({ name }) => name === instructionsName)?.listed['instructions'];
  if (typeof own === 'string') tools.takeInstructions(own);
  tools.takeTools(definitions.filter(({ name }) => !isReserved(name)).map(({ listed }) => listed));
}
