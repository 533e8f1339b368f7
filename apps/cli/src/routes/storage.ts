import type { DataPart } from '@modelhost/host';
import { buildCommand, buildRouteMap } from '@stricli/core';
import type { RouteMap } from '@stricli/core';
import type { ConfigFlags } from '../commands/config.ts';
import type { CliContext } from '../context.ts';
import type { JsonFlag } from '../text/output.ts';
import { bind } from './bind.ts';
import { configFlags, jsonFlag } from './flags.ts';

const parts: readonly DataPart[] = ['audit', 'decisions', 'keys', 'pins', 'policy', 'runs'];

const part = {
  brief: `What was lost: ${parts.join(', ')}`,
  parse: readPart,
  placeholder: 'part',
} as const;

function readPart(text: string): DataPart {
  const found = parts.find((one) => one === text);
  if (found !== undefined) return found;
  throw new Error(`the parts are ${parts.join(', ')}`);
}

const file = { brief: 'The backup', parse: String, placeholder: 'file' } as const;

/** `model-host storage`. */
export const storageRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: {
    status: buildCommand<ConfigFlags & JsonFlag, [], CliContext>({
      loader: bind(async () => (await import('../commands/storage.ts')).showStorage),
      parameters: { flags: { ...configFlags, ...jsonFlag } },
      docs: { brief: 'Show how many runs and sessions are kept, and how much room they take' },
    }),
    verify: buildCommand<ConfigFlags, [], CliContext>({
      loader: bind(async () => (await import('../commands/storage.ts')).verifyStorage),
      parameters: { flags: configFlags },
      docs: { brief: 'Read and open everything that is kept of runs and sessions' },
    }),
    backup: buildCommand<ConfigFlags, [file: string], CliContext>({
      loader: bind(async () => (await import('../commands/storage.ts')).backUpStorage),
      parameters: { flags: configFlags, positional: { kind: 'tuple', parameters: [file] } },
      docs: {
        brief: 'Copy runs and sessions, as they are now, into a new file, and read it through',
      },
    }),
    restore: buildCommand<ConfigFlags, [file: string], CliContext>({
      loader: bind(async () => (await import('../commands/storage.ts')).restoreStorage),
      parameters: { flags: configFlags, positional: { kind: 'tuple', parameters: [file] } },
      docs: { brief: 'Put a backup into a data directory without runs, after it was read through' },
    }),
    'accept-loss': buildCommand<ConfigFlags, [part: DataPart], CliContext>({
      loader: bind(async () => (await import('../commands/storage.ts')).acceptStorageLoss),
      parameters: { flags: configFlags, positional: { kind: 'tuple', parameters: [part] } },
      docs: {
        brief:
          'Let the next start go on without a part of the data directory that was lost; the audit log tells of it',
      },
    }),
    compact: buildCommand<ConfigFlags & JsonFlag, [], CliContext>({
      loader: bind(async () => (await import('../commands/storage.ts')).compactStorage),
      parameters: { flags: { ...configFlags, ...jsonFlag } },
      docs: {
        brief:
          'Remove what `runs.days` and `runs.eventDays` no longer keep, and give the room back; the host must be stopped',
      },
    }),
  },
  docs: { brief: 'The data directory of a host: its runs and sessions, and what of it was lost' },
});
