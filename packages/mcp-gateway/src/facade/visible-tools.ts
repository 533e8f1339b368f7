import { sha256Hex } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { ToolFinder } from '../catalogue/tool-search.ts';
import { keepBounded } from '../keep-bounded.ts';
import type { RelayTool } from '../relay.ts';
import type { ListPages } from './list-pages.ts';

/** What somebody sees of the tools of a view. */
export interface VisibleTools {
  /** The list, or what stands for it. */
  readonly pages: () => ListPages;
  readonly find: ToolFinder;
  /** The list entry of a tool, by its name in the view. */
  readonly listed: (name: string) => JsonObject | undefined;
}

/** The tools of one view of one catalogue. */
export interface ToolListsOptions {
  /** By their names in the view. */
  readonly tools: ReadonlyMap<string, { readonly tool: RelayTool }>;
  /** Of those who see every tool. */
  readonly all: VisibleTools;
  /** What stands for the list names no tool, so everybody is given the same. */
  readonly isSearched: boolean;
  readonly createPages: (entries: readonly JsonObject[]) => ListPages;
}

/** How many lists with less than everything are kept of one catalogue; more are written anew. */
const keptMax = 8;

/**
 * Shows tools to those who may not see all of them, named by `visible` as in the catalogue. Lists are kept by what they
 * leave out: whoever sees the same is given the same list, and what policy says now is what counts.
 */
export function createToolLists(
  options: ToolListsOptions,
): (visible: ReadonlySet<string>) => VisibleTools {
  const { tools, all, isSearched, createPages } = options;
  const kept = new Map<string, ListPages>();

  function pagesWithout(hidden: ReadonlySet<string>): ListPages {
    const key = sha256Hex(JSON.stringify([...hidden]));
    const pages = kept.get(key) ?? createPages(entriesWithout(hidden));
    keepBounded(kept, { key, value: pages, entriesMax: keptMax });
    return pages;
  }

  function entriesWithout(hidden: ReadonlySet<string>): readonly JsonObject[] {
    const shown = [...tools.keys()].filter((name) => !hidden.has(name));
    return shown.map(all.listed).filter((entry) => entry !== undefined);
  }

  return (visible) => {
    const hidden = new Set<string>();
    for (const [name, { tool }] of tools) if (!visible.has(tool.name)) hidden.add(name);
    if (hidden.size === 0) return all;
    return {
      pages: isSearched ? all.pages : () => pagesWithout(hidden),
      find: (query) => all.find(query, (name) => !hidden.has(name)),
      listed: (name) => (hidden.has(name) ? undefined : all.listed(name)),
    };
  };
}
