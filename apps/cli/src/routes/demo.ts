import { buildCommand } from '@stricli/core';
import type { Command } from '@stricli/core';
import type { CliContext } from '../context.ts';
import type { DemoFlags } from '../demo/demo.ts';
import { bind } from './bind.ts';
import { approvalValues, verboseFlag } from './flags.ts';

/** `model-host demo`. */
export const demoCommand: Command<CliContext> = buildCommand<DemoFlags, [], CliContext>({
  loader: bind(async () => (await import('../demo/demo.ts')).demo),
  parameters: {
    flags: {
      dir: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Folder that the agent reads and writes (default: a copy of the example files)',
        placeholder: 'folder',
      },
      task: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'What the agent is asked to do',
        placeholder: 'text',
      },
      approve: {
        kind: 'enum',
        values: approvalValues,
        default: 'ask',
        brief:
          'What answers approvals; without a terminal ask reads nothing and says yes, so --approve no refuses',
      },
      policies: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Folder with other .cedar files',
        placeholder: 'folder',
      },
      model: {
        kind: 'enum',
        values: ['auto', 'demo', 'openai', 'anthropic', 'gemini', 'ollama'],
        default: 'auto',
        brief: 'What plays the model; auto offers what is set up, else the offline demo model',
      },
      modelName: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Name of the model at its provider, for a real one',
        placeholder: 'name',
      },
      keep: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'Keep the temporary folder with the report and the audit file',
      },
      ...verboseFlag,
    },
  },
  docs: { brief: 'Watch an agent do a real task under policy, offline, in one process' },
});
