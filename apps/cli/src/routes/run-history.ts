import { buildCommand } from '@stricli/core';
import type { Command } from '@stricli/core';
import type { ForkFlags, ReplayFlags } from '../commands/run-history.ts';
import type { WatchFlags } from '../commands/watch-runs.ts';
import type { CliContext } from '../context.ts';
import { bind } from './bind.ts';
import {
  connectionFlags,
  jsonFlag,
  readCount,
  readMicroUsd,
  requestIdFlag,
  verboseFlag,
  waitFlag,
} from './flags.ts';

const runId = { brief: 'Id of the run', parse: String, placeholder: 'run' } as const;

/** `model-host runs replay`. */
export const replayCommand: Command<CliContext> = buildCommand<
  ReplayFlags,
  [runId: string],
  CliContext
>({
  loader: bind(async () => (await import('../commands/run-history.ts')).replayRun),
  parameters: {
    flags: {
      ...connectionFlags,
      ...jsonFlag,
      events: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'Show the events as they come out of the journal',
      },
    },
    positional: { kind: 'tuple', parameters: [runId] },
  },
  docs: {
    brief:
      'Make the events of a finished run again, from its journal alone, and compare them; 1 when they differ',
    customUsage: ['run_…', 'run_… --events', 'run_… --json'],
  },
});

/** `model-host runs fork`. */
export const forkCommand: Command<CliContext> = buildCommand<
  ForkFlags,
  [runId: string],
  CliContext
>({
  loader: bind(async () => (await import('../commands/run-history.ts')).forkRun),
  parameters: {
    flags: {
      ...connectionFlags,
      ...jsonFlag,
      ...waitFlag,
      at: {
        kind: 'parsed',
        parse: String,
        brief: 'The first step that is done anew: turn-2/model, or turn-1/tool-1 for all of a call',
        placeholder: 'step',
      },
      route: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Another model route, as `models list` names it',
        placeholder: 'model',
      },
      bundle: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'A signed bundle that decides for the fork',
        placeholder: 'file',
      },
      budgetTokens: {
        kind: 'parsed',
        parse: readCount,
        optional: true,
        brief: 'Another token budget, up to that of the agent',
        placeholder: 'n',
      },
      budgetUsd: {
        kind: 'parsed',
        parse: readMicroUsd,
        optional: true,
        brief: 'Another cost budget, up to that of the agent',
        placeholder: 'dollars',
      },
      ...requestIdFlag,
      ...verboseFlag,
    },
    positional: { kind: 'tuple', parameters: [runId] },
  },
  docs: {
    brief:
      'Start a run from the first steps of another one, show it, and what it does otherwise; its tools are called',
    customUsage: [
      'run_… --at turn-2/model',
      'run_… --at turn-1/model --route other',
      'run_… --at turn-2/model --bundle stricter.bundle.json',
    ],
  },
});

/** `model-host runs watch`. */
export const watchCommand: Command<CliContext> = buildCommand<WatchFlags, string[], CliContext>({
  loader: bind(async () => (await import('../commands/watch-runs.ts')).watchRuns),
  parameters: {
    flags: {
      ...connectionFlags,
      ...jsonFlag,
      ...waitFlag,
      new: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'Also the runs that you start from now on, until Ctrl-C',
      },
      ...verboseFlag,
    },
    positional: { kind: 'array', parameter: runId, maximum: 500 },
  },
  docs: {
    brief: 'Show the events of many runs at once',
    customUsage: ['run_… run_…', '--new', '--new --json'],
  },
});
