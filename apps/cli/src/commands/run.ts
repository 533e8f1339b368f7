import type { RunSpecInit } from '@modelhost/sdk';
import type { CliContext } from '../context.ts';
import { withClient } from '../connection.ts';
import { splitAssignments } from '../assignments.ts';
import { exitCodeOfRun, playRun } from '../play.ts';
import type { RunFlags } from '../routes/run.ts';

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
