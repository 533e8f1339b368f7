import type { RunEvent, RunResult } from '@modelhost/contracts';
import { RunEndReason } from '@modelhost/contracts';
import type { ModelHostClient, RunSpecInit } from '@modelhost/sdk';
import { createApprover } from './approver.ts';
import type { CliContext } from './context.ts';
import { exitCodeOf, exitCodes, readFailure } from './failure.ts';
import type { ExitCode } from './failure.ts';
import { createEventPrinter } from './printer.ts';
import type { ApprovalMode } from './routes/flags.ts';
import { renderEvent } from './timeline.ts';

/** How a run is shown and who answers its approvals. */
export interface PlayOptions {
  readonly approve: ApprovalMode;
  /** The answer where `approve` is `ask` and nobody can be asked. */
  readonly answerUnasked: boolean;
  readonly json?: boolean | undefined;
  readonly verbose?: boolean | undefined;
}

/** How a run that was watched ended. */
export interface Played {
  readonly runId: string;
  readonly result: RunResult | undefined;
  readonly isInterrupted: boolean;
}

/**
 * Starts a run and shows it to its end. An interrupt cancels the run and still shows how it ends; whatever breaks on the
 * way leaves the run to itself, and says how to follow it again.
 */
export async function playRun(
  context: CliContext,
  client: ModelHostClient,
  spec: RunSpecInit,
  options: PlayOptions,
): Promise<Played> {
  const { runId, created } = await client.startRun(spec);
  if (!created) context.say(`run ${runId} was started before with this request id`);
  let isInterrupted = false;
  const stopListening = context.onInterrupt(() => {
    isInterrupted = true;
    context.say(`cancelling ${runId}; once more to leave at once`);
    client.cancelRun(runId).catch((thrown: unknown) => context.say(readFailure(thrown).text));
  });
  try {
    const result = await watch(context, client, runId, options);
    return { runId, result, isInterrupted };
  } catch (thrown) {
    context.say(`lost sight of ${runId}; see \`model-host runs follow ${runId}\``);
    throw thrown;
  } finally {
    stopListening();
  }
}

async function watch(
  context: CliContext,
  client: ModelHostClient,
  runId: string,
  options: PlayOptions,
): Promise<RunResult | undefined> {
  const printEvent = createEventPrinter(context, options);
  const approver = createApprover({
    mode: options.approve,
    answerUnasked: options.answerUnasked,
    ask: context.ask,
    say: context.say,
    resolve: async (answer) => client.resolveApproval({ runId, ...answer }),
    onFailure: (thrown) => context.say(readFailure(thrown).text),
  });
  let result: RunResult | undefined;
  try {
    for await (const item of client.followRun(runId)) {
      printEvent(item);
      const { event } = item;
      if (event.case === 'approvalRequested') {
        if (options.json === true && context.ask !== undefined) sayApproval(context, item);
        void approver.requested(event.value);
      }
      if (event.case === 'approvalResolved') approver.resolved(event.value.approvalId);
      if (event.case === 'runFinished') result = event.value.result;
    }
  } finally {
    await approver.close();
  }
  return result;
}

/** A person who is asked sees the arguments, also where stdout has JSON. */
function sayApproval({ paint, say }: CliContext, event: RunEvent): void {
  say(renderEvent(event, { paint, isVerbose: false }).trimEnd());
}

/** The exit code for the ending of a run. */
export function exitCodeOfRun({ result, isInterrupted }: Omit<Played, 'runId'>): ExitCode {
  switch (result?.reason) {
    case RunEndReason.COMPLETED:
      return exitCodes.ok;
    case RunEndReason.BUDGET_EXCEEDED:
    case RunEndReason.DEADLINE:
      return exitCodes.limit;
    case RunEndReason.DENIED:
      return exitCodes.denied;
    case RunEndReason.CANCELLED:
      return isInterrupted ? exitCodes.interrupted : exitCodes.failure;
    case RunEndReason.FAILED:
      return exitCodeOf(result.error?.code ?? '');
    case RunEndReason.UNSPECIFIED:
    case undefined:
      break;
  }
  // A newer host may know more endings.
  return exitCodes.failure;
}
