import { HostError } from '@modelhost/kernel';
import type { ToolMatch } from '@modelhost/kernel';
import { isVisibleTo } from '../server-spec.ts';
import type { CatalogueTool } from './catalogue-tool.ts';
import { isReserved } from './listed-tools.ts';
import type { ListedTool } from './listed-tools.ts';
import type { ServerPins } from './pin-records.ts';
import { isApproved } from './pins.ts';
import type { ServerCatalogue } from './server-catalogue.ts';
import type { ServerEntry } from './server-entry.ts';
import { createToolSearch } from './tool-search.ts';
import type { ToolSearch } from './tool-search.ts';

/** Finds what is offered, by name and by what it is good for. */
export interface OfferedTools {
  /** An approved tool by its name for models, whoever may see its server. */
  readonly tool: (name: string) => CatalogueTool | undefined;
  /**
   * An approved tool of a server that the tenant may see. Throws `mcp_tool_not_found`, with the fact `pin` set to
   * `quarantined` when the tool is there and held back.
   */
  readonly toolFor: (tenant: string, name: string) => CatalogueTool;
  /**
   * Throws `mcp_tool_not_found`, with the fact `pin` set to `quarantined`, while the server waits for its first
   * approval: what it has beside tools is then held back as a whole.
   */
  readonly requireOpen: (alias: string) => void;
  /** The approved tools among `names` that fit the query best, at most `limit`; equally good ones by name. */
  readonly search: (query: string, names: readonly string[], limit: number) => readonly ToolMatch[];
  /** Tools of the server that are listed and held back. */
  readonly quarantined: (alias: string) => number;
  /** Tools of the server that are offered. */
  readonly toolCount: (alias: string) => number;
}

/** `forget` is called when something else is offered: names and words are then read again when they are needed. */
export function createOfferedTools(
  entries: ReadonlyMap<string, ServerEntry>,
  pinsOf: (alias: string) => ServerPins | undefined,
): { readonly offered: OfferedTools; readonly forget: () => void } {
  let byName: ReadonlyMap<string, CatalogueTool> | undefined;
  let index: ToolSearch | undefined;

  function tools(): readonly CatalogueTool[] {
    return [...entries.values()].flatMap((entry) => entry.tools.offered());
  }

  function tool(name: string): CatalogueTool | undefined {
    byName ??= new Map(tools().map((offered) => [offered.definition.name, offered]));
    return byName.get(name);
  }

  function toolFor(tenant: string, name: string): CatalogueTool {
    const found = tool(name);
    const home = found === undefined ? undefined : entries.get(found.relay.alias);
    if (found !== undefined && home !== undefined && isVisibleTo(home.tools.spec, tenant)) {
      return found;
    }
    const visible = [...entries.values()].filter((entry) => isVisibleTo(entry.tools.spec, tenant));
    throw (
      visible.map((entry) => whyNot(entry, name)).find((reason) => reason !== undefined) ??
      new HostError('mcp_tool_not_found', 'no such tool', { facts: { tool: name } })
    );
  }

  /** Undefined when the server lists no such tool. */
  function whyNot({ alias, tools: server }: ServerEntry, name: string): HostError | undefined {
    const held = toolsOf(server).find((listed) => listed.name === name);
    if (held === undefined) return undefined;
    const facts = { server: alias, tool: name };
    const problem = server.problemOf(held.serverTool);
    if (problem !== undefined && isApproved(pinsOf(alias), held)) {
      return new HostError('mcp_tool_not_found', `${name}: ${problem}`, { facts });
    }
    const message = `${name}: it is held back until somebody approves its definition`;
    return new HostError('mcp_tool_not_found', message, {
      facts: { ...facts, pin: 'quarantined' },
    });
  }

  function requireOpen(alias: string): void {
    if (entries.get(alias)?.tools.isOpen() === true) return;
    const message = `${alias}: it is held back until somebody approves a definition of it`;
    const facts = { server: alias, pin: 'quarantined' };
    throw new HostError('mcp_tool_not_found', message, { facts });
  }

  function quarantined(alias: string): number {
    const server = entries.get(alias)?.tools;
    const pins = pinsOf(alias);
    return toolsOf(server).filter((held) => !isApproved(pins, held)).length;
  }

  return {
    offered: {
      tool,
      toolFor,
      requireOpen,
      search: (query, names, limit) =>
        (index ??= createToolSearch(tools())).search(query, names, limit),
      quarantined,
      toolCount: (alias) => entries.get(alias)?.tools.offered().length ?? 0,
    },
    forget: () => {
      byName = undefined;
      index = undefined;
    },
  };
}

function toolsOf(server: ServerCatalogue | undefined): readonly ListedTool[] {
  return server?.listed().filter(({ serverTool }) => !isReserved(serverTool)) ?? [];
}
