import type { RunSpecInit } from '@modelhost/sdk';
import { splitAssignments } from '../assignments.ts';
import { withClient } from '../connection.ts';
import type { ConnectionFlags, WaitFlag } from '../connection.ts';
import type { CliContext } from '../context.ts';
import type { JsonFlag } from '../text/output.ts';
import type { ApprovalMode } from '../watching/approver.ts';
import { exitCodeOfRun, playRun } from '../watching/play.ts';

/** What `model-host run` is told beside agent and task. */
export interface RunFlags extends ConnectionFlags, JsonFlag, WaitFlag {
  readonly approve: ApprovalMode;
  readonly budgetTokens?: number;
  readonly budgetUsd?: bigint;
  readonly metadata?: readonly string[];
  readonly requestId?: string;
  readonly session?: string;
  readonly verbose?: boolean;
}

/** Starts a run, shows it, and exits with what it ended with. */
export async function run(
  context: CliContext,
  flags: RunFlags,
  agent: string,
  task: string,
): Promise<void> {
  await withClient(context, flags, async (client) => {
    const played = await playRun(context, client, toSpec(flags, agent, task), {
      approve: flags.approve,
      answerUnasked: false,
      json: flags.json,
      verbose: flags.verbose,
    });
    context.exitWith(exitCodeOfRun(played));
  });
}

function toSpec(flags: RunFlags, agent: string, task: string): RunSpecInit {
  const { budgetTokens, budgetUsd, metadata = [], requestId, session = '' } = flags;
  return {
    agent,
    input: [{ part: { case: 'text', value: { text: task } } }],
    metadata: splitAssignments(metadata),
    sessionId: session,
    ...(requestId === undefined ? {} : { requestId }),
    budget: {
      ...(budgetTokens === undefined ? {} : { maxTokens: BigInt(budgetTokens) }),
      ...(budgetUsd === undefined ? {} : { maxCostMicroUsd: budgetUsd }),
    },
  };
}
