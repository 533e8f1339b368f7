import type { JsonObject, JsonSchemas } from '@modelhost/kernel';
import type { ToolServerSpec } from '../server-spec.ts';
import { createBuiltTools } from './built-tools.ts';
import type { CatalogueTool } from './catalogue-tool.ts';
import { cleanText } from '@modelhost/shown-text';
import { compare, listInstructions, readListedTools } from './listed-tools.ts';
import type { ListedTool } from './listed-tools.ts';
import type { ServerPins } from './pin-records.ts';
import { isApproved, isOpen } from './pins.ts';
import { shadowedTools } from './shadowed-tools.ts';

/** The tools of one server: what it lists, and what of it may be offered. */
export interface ServerCatalogue {
  readonly spec: ToolServerSpec;
  /** Tools, instructions, prompts and templates as listed last, sorted by the name at the server. */
  listed(): readonly ListedTool[];
  /** Takes the list of the server; tools that the operator did not name are as if they were not there. */
  takeTools(tools: readonly JsonObject[]): void;
  takeInstructions(instructions: string): void;
  /** Takes what else has a pin: the prompts and the resource templates. */
  takeItems(items: readonly ListedTool[]): void;
  /** Whether this item was approved as of the last `offer`. */
  isOffered(item: ListedTool): boolean;
  /** Makes usable what is listed and approved: a schema that nobody answers for is not compiled. */
  build(pins: ServerPins | undefined): Promise<void>;
  /** Offers what is listed, usable and approved. Returns what of it is something else than before. */
  offer(pins: ServerPins | undefined): {
    readonly tools: boolean;
    readonly instructions: boolean;
    readonly isOpen: boolean;
  };
  /** Whether what has no pin of its own may be offered, as of the last `offer`. */
  isOpen(): boolean;
  /** Sorted by name; the same object until `offer` says that it changed. */
  offered(): readonly CatalogueTool[];
  /** Without hidden characters; empty as long as they are not approved. */
  instructions(): string;
  /** Why a listed tool cannot be offered although it is approved, as far as that is known before it is. */
  problemOf(serverTool: string): string | undefined;
}

/** Offers nothing before the first `offer`. */
export function createServerCatalogue(
  spec: ToolServerSpec,
  options: { readonly schemas: JsonSchemas; readonly log: (message: string) => void },
): ServerCatalogue {
  const built = createBuiltTools(spec, options);
  let tools: readonly ListedTool[] = [];
  let own: ListedTool | undefined;
  let refused: ReadonlyMap<string, string> = new Map();
  let shadowed: ReadonlyMap<string, string> = new Map();
  let offered: readonly CatalogueTool[] = [];
  let instructions = '';
  let items: readonly ListedTool[] = [];
  let current: ServerPins | undefined;
  let open = isOpen(undefined, spec);

  function takeTools(all: readonly JsonObject[]): void {
    const mine = all.filter(({ name }) => typeof name !== 'string' || isNamed(spec, name));
    const read = readListedTools(spec.alias, mine);
    for (const { serverTool, reason } of read.refused) {
      if (refused.get(serverTool) === reason) continue;
      options.log(`${JSON.stringify(serverTool)} is left out: ${reason}`);
    }
    ({ tools } = read);
    refused = new Map(read.refused.map(({ serverTool, reason }) => [serverTool, reason]));
    built.keep(tools);
  }

  function offer(pins: ServerPins | undefined): ReturnType<ServerCatalogue['offer']> {
    const before = { offered, instructions, open };
    open = isOpen(pins, spec);
    current = pins;
    shadowed = shadowedTools(tools, pins);
    const after = tools.flatMap((tool) => {
      const usable = built.of(tool.digest);
      const isClear = isApproved(pins, tool) && !shadowed.has(tool.serverTool);
      return isClear && usable !== undefined && typeof usable !== 'string' ? [usable] : [];
    });
    after.sort((left, right) => compare(left.definition.name, right.definition.name));
    if (!isSame(after, offered)) offered = after;
    instructions = own !== undefined && isApproved(pins, own) ? instructionsOf(own) : '';
    return {
      tools: offered !== before.offered,
      instructions: instructions !== before.instructions,
      isOpen: open !== before.open,
    };
  }

  function problemOf(serverTool: string): string | undefined {
    const digest = tools.find((tool) => tool.serverTool === serverTool)?.digest;
    const usable = digest === undefined ? undefined : built.of(digest);
    if (typeof usable === 'string') return usable;
    return refused.get(serverTool) ?? shadowed.get(serverTool);
  }

  return {
    spec,
    listed: () => [...(own === undefined ? [] : [own]), ...tools, ...items].sort(byServerTool),
    takeTools,
    takeInstructions: (text) => {
      own = text === '' ? undefined : listInstructions(spec.alias, text);
    },
    takeItems: (all) => {
      items = all;
    },
    isOffered: (item) => isApproved(current, item),
    build: (pins) => built.build(tools.filter((tool) => isApproved(pins, tool))),
    offer,
    offered: () => offered,
    instructions: () => instructions,
    isOpen: () => open,
    problemOf,
  };
}

function isNamed({ tools }: ToolServerSpec, serverTool: string): boolean {
  return tools === undefined || tools.includes(serverTool);
}

function isSame(left: readonly CatalogueTool[], right: readonly CatalogueTool[]): boolean {
  return left.length === right.length && left.every((tool, index) => tool === right[index]);
}

function instructionsOf({ listed }: ListedTool): string {
  const { instructions } = listed;
  return typeof instructions === 'string' ? cleanText(instructions) : '';
}

function byServerTool(left: ListedTool, right: ListedTool): number {
  return compare(left.serverTool, right.serverTool);
}
