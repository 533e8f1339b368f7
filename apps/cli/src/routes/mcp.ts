import { buildCommand, buildRouteMap } from '@stricli/core';
import type { RouteMap } from '@stricli/core';
import type { McpServeFlags } from '../commands/mcp.ts';
import type { CliContext } from '../context.ts';
import { bind } from './bind.ts';
import { configFlags } from './flags.ts';

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
