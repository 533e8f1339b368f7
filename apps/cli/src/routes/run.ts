import { buildCommand } from '@stricli/core';
import type { Command } from '@stricli/core';
import type { RunFlags } from '../commands/run.ts';
import type { CliContext } from '../context.ts';
import { bind } from './bind.ts';
import {
  approvalValues,
  connectionFlags,
  jsonFlag,
  readAssignment,
  readCount,
  readMicroUsd,
  requestIdFlag,
  verboseFlag,
  waitFlag,
} from './flags.ts';

/** `model-host run`. */
export const runCommand: Command<CliContext> = buildCommand<
  RunFlags,
  [agent: string, task: string],
  CliContext
>({
  loader: bind(async () => (await import('../commands/run.ts')).run),
  parameters: {
    flags: {
      ...connectionFlags,
      ...jsonFlag,
      ...waitFlag,
      approve: {
        kind: 'enum',
        values: approvalValues,
        default: 'ask',
        brief:
          'What answers approvals where who asks counts: ask a person, always yes, or always no; others are waited for',
      },
      budgetTokens: {
        kind: 'parsed',
        parse: readCount,
        optional: true,
        brief: 'Lowers the token budget of the agent',
        placeholder: 'n',
      },
      budgetUsd: {
        kind: 'parsed',
        parse: readMicroUsd,
        optional: true,
        brief: 'Lowers the cost budget of the agent',
        placeholder: 'dollars',
      },
      metadata: {
        kind: 'parsed',
        parse: readAssignment,
        optional: true,
        variadic: true,
        brief: 'A label kept with the run; may be given again',
        placeholder: 'key=value',
      },
      ...requestIdFlag,
      session: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Goes on with this session; `sessions create` makes one',
        placeholder: 'session',
      },
      ...verboseFlag,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'Id of the agent', parse: String, placeholder: 'agent' },
        { brief: 'What it is asked to do', parse: String, placeholder: 'task' },
      ],
    },
  },
  docs: {
    brief: 'Give a task to an agent and watch it; Ctrl-C cancels the run',
    customUsage: [
      'reporter "summarise the notes"',
      'reporter "summarise the notes" --approve no --budget-tokens 20000',
      'reporter "summarise the notes" --json',
    ],
  },
});
