import { buildCommand, buildRouteMap } from '@stricli/core';
import type { RouteMap } from '@stricli/core';
import type { ConfigFlags, PrintConfigFlags } from '../commands/config.ts';
import type { CliContext } from '../context.ts';
import { bind } from './bind.ts';
import { configFlags, jsonFlag } from './flags.ts';

const check = buildCommand<ConfigFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/config.ts')).checkConfig),
  parameters: { flags: configFlags },
  docs: { brief: 'Report everything that is wrong with a configuration' },
});

const print = buildCommand<PrintConfigFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/config.ts')).showConfig),
  parameters: {
    flags: {
      ...configFlags,
      ...jsonFlag,
      sources: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'Print where each value comes from',
      },
    },
  },
  docs: { brief: 'Print the effective configuration, defaults included' },
});

const schema = buildCommand<object, [], CliContext>({
  loader: bind(async () => (await import('../commands/config.ts')).printSchema),
  parameters: { flags: {} },
  docs: { brief: 'Print the JSON Schema of the configuration' },
});

/** `model-host config`. */
export const configRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: { check, print, schema },
  docs: { brief: 'Check and show a configuration' },
});
