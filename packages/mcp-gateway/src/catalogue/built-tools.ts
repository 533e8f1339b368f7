import { setImmediate } from 'node:timers/promises';
import { HostError } from '@modelhost/kernel';
import type { JsonSchemas } from '@modelhost/kernel';
import type { ToolServerSpec } from '../server-spec.ts';
import { createCatalogueTool } from './catalogue-tool.ts';
import type { CatalogueTool } from './catalogue-tool.ts';
import type { ListedTool } from './listed-tools.ts';

/** The usable tools of a server: each definition is compiled once, however often it is listed. */
export interface BuiltTools {
  /** The tool of a definition, or why it cannot be used; undefined before it was built. */
  of(digest: string): CatalogueTool | string | undefined;
  /** Forgets all other definitions. */
  keep(tools: readonly ListedTool[]): void;
  /** Builds some at a time, so that nobody waits long. */
  build(tools: readonly ListedTool[]): Promise<void>;
}

const buildsAtOnce = 4;

/** Nothing is built yet. */
export function createBuiltTools(
  spec: ToolServerSpec,
  { schemas, log }: { readonly schemas: JsonSchemas; readonly log: (message: string) => void },
): BuiltTools {
  const built = new Map<string, CatalogueTool | string>();

  function keep(tools: readonly ListedTool[]): void {
    const digests = new Set(tools.map(({ digest }) => digest));
    for (const digest of built.keys()) if (!digests.has(digest)) built.delete(digest);
  }

  async function build(tools: readonly ListedTool[]): Promise<void> {
    const missing = tools.filter(({ digest }) => !built.has(digest));
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

  return { of: (digest) => built.get(digest), keep, build };
}
