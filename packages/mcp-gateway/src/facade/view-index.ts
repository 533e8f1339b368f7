import type { Json, JsonObject } from '@modelhost/kernel';
import { isJsonObject } from '@modelhost/kernel';
import { toolNameOf } from '../catalogue/tool-names.ts';
import { createToolFinder } from '../catalogue/tool-search.ts';
import type { ToolFinder } from '../catalogue/tool-search.ts';
import type { RelayCatalogue, RelayItem, RelayServer, RelayTool } from '../relay.ts';
import { paramHeadersOf } from '../upstream/mcp-headers.ts';
import type { FacadeBounds, FacadeView, ParamHeader } from './core-types.ts';
import { createListPages } from './list-pages.ts';
import type { ListKey, ListPages } from './list-pages.ts';
import { showNames } from './shown-names.ts';
import { createBareUris, createPrefixedUris } from './shown-uris.ts';
import type { ShownUris } from './shown-uris.ts';
import { searchTools } from './tool-search.ts';
import { createToolLists } from './visible-tools.ts';
import type { VisibleTools } from './visible-tools.ts';

/** A tool as the view shows it. */
export interface ShownTool {
  readonly bare: string;
  readonly catalogueName: string;
  readonly tool: RelayTool;
  readonly headers: readonly ParamHeader[];
  /** Whether the server says that a call may or must be a task. */
  readonly taskSupport: 'none' | 'optional' | 'required';
}

/** A prompt as the view shows it. */
export interface ShownPrompt {
  readonly bare: string;
  readonly catalogueName: string;
  readonly item: RelayItem;
}

/** Everything that one view shows of one catalogue, by the view's names. It never changes. */
export interface ViewIndex {
  readonly servers: readonly RelayServer[];
  readonly aliases: ReadonlySet<string>;
  /** In the order of the catalogue. */
  readonly relayTools: readonly RelayTool[];
  readonly tools: ReadonlyMap<string, ShownTool>;
  readonly prompts: ReadonlyMap<string, ShownPrompt>;
  readonly uris: ShownUris;
  /** The tools to search, describe and call stand for the catalogue. */
  readonly isSearched: boolean;
  /** For those who see all tools; they are indexed for the search when it is first asked. */
  readonly allTools: VisibleTools;
  /** For those who see only these, by their names in the catalogue. */
  toolsAmong(visible: ReadonlySet<string>): VisibleTools;
  pages(key: Exclude<ListKey, 'tools'>): ListPages;
}

/** Tokens of a JSON text, roughly. */
const bytesPerToken = 4;
const searchTokensMaxDefault = 4_000;
const taskSupportKey = 'modelhost/taskSupport';

/** Reads a catalogue through a view. Lists are written down when they are first asked for. */
export function createViewIndex(
  whole: RelayCatalogue,
  view: FacadeView,
  options: { readonly bounds: FacadeBounds; readonly meta: JsonObject },
): ViewIndex {
  const catalogue = narrow(whole, view);
  const aliases = new Set(catalogue.servers.map(({ alias }) => alias));
  const uris = view.naming === 'none' ? createBareUris(catalogue) : createPrefixedUris(aliases);
  const tools = showNames(catalogue.tools.map(toShownTool), view.naming);
  const prompts = showNames(catalogue.prompts.flatMap(toShownPrompt), view.naming);
  const kept = new Map<ListKey, ListPages>();

  function listed(name: string): JsonObject | undefined {
    const shown = tools.get(name);
    return shown && toListedTool(name, shown, uris);
  }

  function toolEntries(): readonly JsonObject[] {
    return [...tools].map(([name, shown]) => toListedTool(name, shown, uris));
  }

  function entriesOf(key: ListKey): readonly JsonObject[] {
    switch (key) {
      case 'tools':
        return isSearched ? searchTools : toolEntries();
      case 'prompts':
        return [...prompts].map(([name, { item }]) => ({ ...item.listed, name }));
      case 'resources':
        return toListedResources(catalogue.resources, uris);
      case 'resourceTemplates':
        return toListedResources(catalogue.resourceTemplates, uris);
    }
  }

  function createPages(key: ListKey, entries: readonly JsonObject[]): ListPages {
    const { pageItemsMax: itemsMax, listTtlMs: ttlMs } = options.bounds;
    return createListPages(entries, { key, itemsMax, ttlMs, meta: options.meta });
  }

  function pages(key: ListKey): ListPages {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const made = createPages(key, entriesOf(key));
    kept.set(key, made);
    return made;
  }

  function isTooBig(): boolean {
    const all = createPages('tools', toolEntries());
    const { searchTokensMax = searchTokensMaxDefault } = view;
    if (all.bytes / bytesPerToken > searchTokensMax) return true;
    kept.set('tools', all);
    return false;
  }

  const isSearched = shouldSearch(view, isTooBig);
  const finder = lazily(() => createFinder(tools));
  const find: ToolFinder = (query, isWanted) => finder()(query, isWanted);
  const allTools: VisibleTools = { pages: () => pages('tools'), find, listed };
  return {
    servers: catalogue.servers,
    aliases,
    relayTools: catalogue.tools,
    tools,
    prompts,
    uris,
    isSearched,
    allTools,
    toolsAmong: createToolLists({
      tools,
      all: allTools,
      isSearched,
      createPages: (entries) => createPages('tools', entries),
    }),
    pages,
  };
}

function shouldSearch({ search }: FacadeView, isTooBig: () => boolean): boolean {
  switch (search) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'auto':
      return isTooBig();
  }
}

function createFinder(tools: ReadonlyMap<string, ShownTool>): ToolFinder {
  return createToolFinder(
    [...tools].map(([name, { tool }]) => {
      const { title, description, inputSchema } = tool.listed;
      return {
        name,
        title,
        description: typeof description === 'string' ? description : '',
        inputSchema: isJsonObject(inputSchema) ? inputSchema : {},
      };
    }),
  );
}

function lazily<T>(create: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= create());
}

function narrow(catalogue: RelayCatalogue, view: FacadeView): RelayCatalogue {
  const { servers, tools } = view;
  const isServer = (alias: string): boolean => servers === undefined || servers.includes(alias);
  const chosen = tools && new Set(tools);
  const isTool = ({ alias, name }: RelayTool): boolean =>
    isServer(alias) && (chosen === undefined || chosen.has(name) || chosen.has(`${alias}__*`));
  const isItem = ({ alias }: { readonly alias: string }): boolean => isServer(alias);
  return {
    servers: catalogue.servers.filter(isItem),
    tools: catalogue.tools.filter(isTool),
    prompts: catalogue.prompts.filter(isItem),
    resources: catalogue.resources.filter(isItem),
    resourceTemplates: catalogue.resourceTemplates.filter(isItem),
  };
}

function toShownTool(tool: RelayTool): ShownTool {
  return {
    bare: tool.serverTool,
    catalogueName: tool.name,
    tool,
    headers: paramHeadersOf(tool.listed).map(({ header, path }) => ({
      header: `mcp-param-${header.toLowerCase()}`,
      path,
    })),
    taskSupport: readTaskSupport(tool.listed),
  };
}

function toShownPrompt(item: RelayItem): readonly ShownPrompt[] {
  const bare = item.listed['name'];
  if (typeof bare !== 'string') return [];
  return [{ bare, catalogueName: toolNameOf(item.alias, bare), item }];
}

/** Tasks are the façade's own, so what the server says of them is not shown. */
function toListedTool(name: string, { tool }: ShownTool, uris: ShownUris): JsonObject {
  const { execution: _, ...listed } = tool.listed;
  return uris.showListed(tool.alias, { ...listed, name });
}

/** A URI that is shown twice is listed once, as the one that it leads to. */
function toListedResources(items: readonly RelayItem[], uris: ShownUris): readonly JsonObject[] {
  const entries = new Map<Json, JsonObject>();
  for (const { alias, listed } of items) {
    const entry = uris.showListed(alias, listed);
    const key = entry['uri'] ?? entry['uriTemplate'];
    if (typeof key === 'string' && !entries.has(key)) entries.set(key, entry);
  }
  return [...entries.values()];
}

/** Servers up to 2025-11-25 have a word for it; later ones, whose protocol has none, can say it in `_meta`. */
function readTaskSupport({ execution, _meta: meta }: JsonObject): ShownTool['taskSupport'] {
  const declared = isJsonObject(execution) ? execution['taskSupport'] : undefined;
  const support = declared ?? (isJsonObject(meta) ? meta[taskSupportKey] : undefined);
  return support === 'optional' || support === 'required' ? support : 'none';
}
