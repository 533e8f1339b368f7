import { buildCommand, buildRouteMap } from '@stricli/core';
import type { Command, RouteMap } from '@stricli/core';
import type { BuildFlags } from '../commands/policy-project.ts';
import type { CliContext } from '../context.ts';
import type { JsonFlag } from '../text/output.ts';
import { bind } from './bind.ts';
import { jsonFlag, readCount } from './flags.ts';
import { bundleRoutes } from './policy-bundles.ts';
import { hostRoutes } from './policy-host.ts';

const directory = {
  brief: 'The project (default: this directory)',
  parse: String,
  default: '.',
  placeholder: 'directory',
} as const;

const init = buildCommand<object, [directory: string], CliContext>({
  loader: bind(async () => (await import('../commands/policy-project.ts')).initProject),
  parameters: {
    flags: {},
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'A new or empty directory',
          parse: String,
          default: '.',
          placeholder: 'directory',
        },
      ],
    },
  },
  docs: { brief: 'Begin a project with the default policy and its tests' },
});

function onProject(
  brief: string,
  loader: Parameters<typeof bind<JsonFlag, [directory: string]>>[0],
): Command<CliContext> {
  return buildCommand<JsonFlag, [directory: string], CliContext>({
    loader: bind(loader),
    parameters: { flags: jsonFlag, positional: { kind: 'tuple', parameters: [directory] } },
    docs: { brief },
  });
}

const build = buildCommand<BuildFlags, [directory: string], CliContext>({
  loader: bind(async () => (await import('../commands/policy-project.ts')).buildBundle),
  parameters: {
    flags: {
      ...jsonFlag,
      revision: {
        kind: 'parsed',
        parse: readCount,
        brief: 'Revision of the bundle: above every one that was in force',
        placeholder: 'n',
      },
      out: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'The file to write (default: name-revision.unsigned.json)',
        placeholder: 'file',
      },
      mode: {
        kind: 'enum',
        values: ['enforce', 'shadow'],
        optional: true,
        brief: 'In the place of what bundle.yaml says',
      },
      notBefore: {
        kind: 'parsed',
        parse: readMoment,
        optional: true,
        brief: 'When it begins to count, such as 2026-12-01T00:00:00Z (default: now)',
        placeholder: 'time',
      },
    },
    positional: { kind: 'tuple', parameters: [directory] },
  },
  docs: { brief: 'Check and test a project, and write the bundle that is to be signed' },
});

/** A moment in UTC with seconds. */
function readMoment(text: string): number {
  const timeMs = Date.parse(text);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) || !Number.isFinite(timeMs)) {
    throw new Error('write a time such as 2026-12-01T00:00:00Z');
  }
  return timeMs;
}

/** `model-host policy`. */
export const policyRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: {
    init,
    lint: onProject(
      'Check rules, tests and settings; every problem with its place',
      async () => (await import('../commands/policy-project.ts')).lintProject,
    ),
    test: onProject(
      'Run the tests of a project; each rule has to be hit',
      async () => (await import('../commands/policy-project.ts')).testProject,
    ),
    build,
    ...bundleRoutes,
    ...hostRoutes,
  },
  docs: { brief: 'Write, sign, rehearse and activate policy' },
});
