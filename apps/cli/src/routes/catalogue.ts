import { buildCommand, buildRouteMap } from '@stricli/core';
import type { Command, RouteMap } from '@stricli/core';
import type { listAgents } from '../commands/catalogue.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import type { JsonFlag } from '../text/output.ts';
import { bind } from './bind.ts';
import { connectionFlags, jsonFlag } from './flags.ts';

function listCommand(brief: string, loader: () => Promise<typeof listAgents>): Command<CliContext> {
  return buildCommand<ConnectionFlags & JsonFlag, [], CliContext>({
    loader: bind(loader),
    parameters: { flags: { ...connectionFlags, ...jsonFlag } },
    docs: { brief },
  });
}

/** `model-host agents`. */
export const agentsRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: {
    list: listCommand(
      'List the configured agents',
      async () => (await import('../commands/catalogue.ts')).listAgents,
    ),
  },
  docs: { brief: 'Agents that can be run' },
});

/** `model-host models`. */
export const modelsRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: {
    list: listCommand(
      'List the configured models',
      async () => (await import('../commands/catalogue.ts')).listModels,
    ),
  },
  docs: { brief: 'Models that agents use' },
});
