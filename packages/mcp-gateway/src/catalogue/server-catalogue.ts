import { setImmediate } from 'node:timers/promises';
import { HostError } from '@modelhost/kernel';
import type { JsonObject, JsonSchemas } from '@modelhost/kernel';
import type { ToolServerSpec } from '../server-spec.ts';
import { createCatalogueTool } from './catalogue-tool.ts';
import type { CatalogueTool } from './catalogue-tool.ts';
import { compare, readListedTools } from './listed-tools.ts';
import type { ListedTool } from './listed-tools.ts';
import type { ServerPins } from './pin-records.ts';
import { isApproved } from './pins.ts';
import { shadowedTools } from './shadowed-tools.ts';

/** The tools of one server: what it lists, and what of it may be offered. */
export interface ServerCatalogue {
  readonly spec: ToolServerSpec;
  /** As listed last, sorted by the name at the server. */
  listed(): readonly ListedTool[];
  /** Takes the list of the server; tools that the operator did not name are as if they were not there. */
  take(tools: readonly JsonObject[]): void;
  /** Makes the tools usable that are new in the list, some at a time so that nobody waits long. */
  build(): Promise<void>;
  /** Offers what is listed, usable and approved. Returns whether that is something else than before. */
  offer(pins: ServerPins | undefined): boolean;
  /** Sorted by name; the same object until `offer` says that it changed. */
  offered(): readonly CatalogueTool[];
  /** Why a listed tool cannot be offered, whether it is approved or not. */
  problemOf(serverTool: string): string | undefined;
}

const buildsAtOnce = 4;

/** Offers nothing before the first `offer`. */
export function createServerCatalogue(
  spec: ToolServerSpec,
  { schemas, log }: { readonly schemas: JsonSchemas; readonly log: (message: string) => void },
): ServerCatalogue {
  let listed: readonly ListedTool[] = [];
  let refused: ReadonlyMap<string, string> = new Map();
  let shadowed: ReadonlyMap<string, string> = new Map();
  /** By digest: the tool, or why there is none. Only what is listed now. */
  const built = new Map<string, CatalogueTool | string>();
  let offered: readonly CatalogueTool[] = [];

  function take(tools: readonly JsonObject[]): void {
    const mine = tools.filter(({ name }) => typeof name !== 'string' || isNamed(spec, name));
    const read = readListedTools(spec.alias, mine);
    for (const { serverTool, reason } of read.refused) {
      if (refused.get(serverTool) !== reason) {
        log(`${JSON.stringify(serverTool)} is left out: ${reason}`);
      }
    }
    listed = read.tools;
    refused = new Map(read.refused.map(({ serverTool, reason }) => [serverTool, reason]));
    const digests = new Set(listed.map(({ digest }) => digest));
    for (const digest of built.keys()) if (!digests.has(digest)) built.delete(digest);
  }

  async function build(): Promise<void> {
    const missing = listed.filter(({ digest }) => !built.has(digest));
    for (let from = 0; from < missing.length; from += buildsAtOnce) {
      // Each slice waits for the one before it: that is what leaves room for others.
      if (from > 0) await setImmediate(); // oxlint-disable-line no-await-in-loop
      for (const tool of missing.slice(from, from + buildsAtOnce)) {
        if (!built.has(tool.digest)) built.set(tool.digest, buildTool(tool));
      }
    }
  }

  function buildTool(tool: ListedTool): CatalogueTool | string {
    try {
      return createCatalogueTool(spec, tool, { schemas, log });
    } catch (cause) {
      if (!(cause instanceof HostError)) throw cause;
      log(`${tool.name} is left out: ${cause.message}`);
      return cause.message;
    }
  }

  function offer(pins: ServerPins | undefined): boolean {
    const before = offered;
    shadowed = shadowedTools(listed, pins);
    const after = listed.flatMap((tool) => {
      const usable = built.get(tool.digest);
      const isOpen = isApproved(pins, tool) && !shadowed.has(tool.serverTool);
      return isOpen && usable !== undefined && typeof usable !== 'string' ? [usable] : [];
    });
    after.sort((left, right) => compare(left.definition.name, right.definition.name));
    if (after.length === before.length && after.every((tool, index) => tool === before[index])) {
      return false;
    }
    offered = after;
    return true;
  }

  function problemOf(serverTool: string): string | undefined {
    const digest = listed.find((tool) => tool.serverTool === serverTool)?.digest;
    const usable = digest === undefined ? undefined : built.get(digest);
    if (typeof usable === 'string') return usable;
    return refused.get(serverTool) ?? shadowed.get(serverTool);
  }

  return { spec, listed: () => listed, take, build, offer, offered: () => offered, problemOf };
}

function isNamed({ tools }: ToolServerSpec, serverTool: string): boolean {
  return tools === undefined || tools.includes(serverTool);
}
