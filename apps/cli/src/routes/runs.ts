import { buildCommand, buildRouteMap } from '@stricli/core';
import type { Command, RouteMap } from '@stricli/core';
import type { AnswerFlags, approve, InputFlags } from '../commands/answers.ts';
import type { FollowFlags, ListFlags } from '../commands/runs.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import type { JsonFlag } from '../text/output.ts';
import { bind } from './bind.ts';
import {
  connectionFlags,
  jsonFlag,
  pageFlags,
  readSequence,
  verboseFlag,
  waitFlag,
} from './flags.ts';
import { forkCommand, replayCommand, watchCommand } from './run-history.ts';

type ReadFlags = ConnectionFlags & JsonFlag;

const runId = { brief: 'Id of the run', parse: String, placeholder: 'run' } as const;

const list = buildCommand<ListFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/runs.ts')).listRuns),
  parameters: {
    flags: {
      ...connectionFlags,
      ...jsonFlag,
      state: {
        kind: 'enum',
        values: ['running', 'waiting', 'finished'],
        optional: true,
        brief: 'Only runs in this state',
      },
      ...pageFlags,
    },
  },
  docs: { brief: 'List runs, newest first' },
});

const show = buildCommand<ReadFlags, [runId: string], CliContext>({
  loader: bind(async () => (await import('../commands/runs.ts')).showRun),
  parameters: {
    flags: { ...connectionFlags, ...jsonFlag },
    positional: { kind: 'tuple', parameters: [runId] },
  },
  docs: { brief: 'Show a run: where it stands, what it waits for, how it ended' },
});

const follow = buildCommand<FollowFlags, [runId: string], CliContext>({
  loader: bind(async () => (await import('../commands/runs.ts')).followRun),
  parameters: {
    flags: {
      ...connectionFlags,
      ...jsonFlag,
      ...waitFlag,
      after: {
        kind: 'parsed',
        parse: readSequence,
        default: '0',
        brief: 'Begin after the event with this number',
        placeholder: 'n',
      },
      ...verboseFlag,
    },
    positional: { kind: 'tuple', parameters: [runId] },
  },
  docs: { brief: 'Show the events of a run until it ends; Ctrl-C leaves the run alone' },
});

const cancel = buildCommand<ConnectionFlags, [runId: string], CliContext>({
  loader: bind(async () => (await import('../commands/runs.ts')).cancelRun),
  parameters: { flags: connectionFlags, positional: { kind: 'tuple', parameters: [runId] } },
  docs: { brief: 'Cancel a run' },
});

function answerCommand(brief: string, loader: () => Promise<typeof approve>): Command<CliContext> {
  return buildCommand<AnswerFlags, [runId: string, approvalId: string], CliContext>({
    loader: bind(loader),
    parameters: {
      flags: {
        ...connectionFlags,
        comment: {
          kind: 'parsed',
          parse: String,
          optional: true,
          brief: 'For the record',
          placeholder: 'text',
        },
      },
      positional: {
        kind: 'tuple',
        parameters: [
          runId,
          {
            brief: 'Id of the approval, as `runs show` names it',
            parse: String,
            placeholder: 'approval',
          },
        ],
      },
    },
    docs: { brief },
  });
}

function choice(brief: string) {
  return { kind: 'boolean', optional: true, withNegated: false, brief } as const;
}

const answer = buildCommand<InputFlags, [runId: string, inputId: string], CliContext>({
  loader: bind(async () => (await import('../commands/answers.ts')).answerInput),
  parameters: {
    flags: {
      ...connectionFlags,
      accept: choice('Gives the content, or agrees to go to the address'),
      decline: choice('Says no to the tool'),
      cancel: choice('Leaves it undecided'),
      content: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'What is asked for: a JSON object; with --accept',
        placeholder: 'json',
      },
    },
    positional: {
      kind: 'tuple',
      parameters: [
        runId,
        { brief: 'Id of the input, as `runs show` names it', parse: String, placeholder: 'input' },
      ],
    },
  },
  docs: {
    brief: 'Answer what a tool asks of a person in the middle of its call',
    customUsage: [
      `run_… inp_… --accept --content '{"name":"Ann"}'`,
      'run_… inp_… --decline',
      'run_… inp_… --cancel',
    ],
  },
});

/** `model-host runs`. */
export const runsRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: {
    list,
    show,
    follow,
    cancel,
    replay: replayCommand,
    fork: forkCommand,
    watch: watchCommand,
    answer,
    approve: answerCommand(
      'Say yes to an approval that a run waits for',
      async () => (await import('../commands/answers.ts')).approve,
    ),
    deny: answerCommand(
      'Say no to an approval that a run waits for',
      async () => (await import('../commands/answers.ts')).deny,
    ),
  },
  docs: { brief: 'Runs of the tenant' },
});
