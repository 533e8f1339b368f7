import { buildCommand, buildRouteMap } from '@stricli/core';
import type { RouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { bind } from './bind.ts';
import { configFlags } from './flags.ts';
import type { ConfigFlags } from './flags.ts';

/** What `mcp serve` is told. */
export interface McpServeFlags extends ConfigFlags {
  readonly view?: string;
}

/** `model-host mcp`. */
export const mcpRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: {
    serve: buildCommand<McpServeFlags, [], CliContext>({
      loader: bind(async () => (await import('../commands/mcp.ts')).serveMcp),
      parameters: {
        flags: {
          ...configFlags,
          view: {
            kind: 'parsed',
            parse: String,
            optional: true,
            brief: 'View of `mcp.views` that is served (default: default)',
            placeholder: 'name',
          },
        },
      },
      docs: {
        brief: 'Serve the configured tools over stdio, for an MCP host that starts this command',
        customUsage: ['--config model-host.yaml', '--config model-host.yaml --view support'],
      },
    }),
  },
  docs: { brief: 'Tools for other MCP hosts' },
});
