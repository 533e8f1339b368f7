import { setTimeout as delay } from 'node:timers/promises';
import type { RunEvent, RunResult } from '@modelhost/contracts';
import { RunEndReason } from '@modelhost/contracts';
import { ModelHostError } from '@modelhost/sdk';
import type { ModelHostClient, RewoundRun, RunSpecInit } from '@modelhost/sdk';
import type { CliContext } from '../context.ts';
import { exitCodeOf, exitCodes, readFailure } from '../failure.ts';
import type { ExitCode } from '../failure.ts';
import { toRewound } from '../text/interruption-text.ts';
import { createEventPrinter } from '../text/printer.ts';
import { renderEvent } from '../text/timeline.ts';
import { createApprover } from './approver.ts';
import type { Approver } from './approver.ts';
import type { ApprovalMode } from './approver.ts';
import { createAskQueue } from './ask-queue.ts';
import { cancelUntilTaken } from './cancel-until-taken.ts';
import { createInputAsker } from './input-asker.ts';
import type { InputAsker } from './input-asker.ts';

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
  const watching = new AbortController();
  const stopListening = context.onInterrupt(() => {
    isInterrupted = true;
    context.say(`cancelling ${runId}; once more to leave at once`);
    void cancelUntilTaken({
      runId,
      cancel: async () => client.cancelRun(runId),
      say: context.say,
      wait: async (waitMs, signal) => delay(waitMs, undefined, { signal }),
      signal: watching.signal,
    });
  });
  try {
    const result = await watch(context, client, runId, options);
    return { runId, result, isInterrupted };
  } catch (thrown) {
    context.say(`lost sight of ${runId}; see \`model-host runs follow ${runId}\``);
    throw thrown;
  } finally {
    watching.abort();
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
  const { approver, asker } = createAnswerers(context, client, runId, options);
  let result: RunResult | undefined;
  try {
    const onRewound = (run: RewoundRun): void => context.say(toRewound(run));
    for await (const item of client.followRun(runId, { onRewound })) {
      printEvent(item);
      const { event } = item;
      if (event.case === 'approvalRequested') {
        if (options.json === true && context.ask !== undefined) sayQuestion(context, item);
        void approver.requested(event.value);
      }
      if (event.case === 'inputRequested') {
        if (options.json === true && context.ask !== undefined) sayQuestion(context, item);
        void asker.requested(event.value);
      }
      if (event.case === 'approvalResolved') approver.resolved(event.value.approvalId);
      if (event.case === 'inputResolved') asker.resolved(event.value.inputId);
      if (event.case === 'runFinished') result = event.value.result;
    }
  } finally {
    await Promise.all([approver.close(), asker.close()]);
  }
  return result;
}

/** Approver and asker share one terminal. */
function createAnswerers(
  { ask, say, now }: CliContext,
  client: ModelHostClient,
  runId: string,
  { approve, answerUnasked }: PlayOptions,
): { readonly approver: Approver; readonly asker: InputAsker } {
  const queue = ask === undefined ? undefined : createAskQueue(ask);
  const onFailure = (thrown: unknown): void => say(readFailure(thrown).text);
  return {
    approver: createApprover({
      runId,
      now,
      mode: approve,
      answerUnasked,
      ask: queue && (async (...question) => queue(async (own) => own(...question))),
      say,
      resolve: async (answer) => client.resolveApproval({ runId, ...answer }),
      onFailure,
    }),
    asker: createInputAsker({
      queue,
      say,
      submit: async (input) => client.submitInput({ runId, ...input }),
      readMisfit: (thrown) =>
        thrown instanceof ModelHostError && thrown.code === 'validation_failed'
          ? readFailure(thrown).text
          : undefined,
      onFailure,
    }),
  };
}

/** A person who is asked sees what about, also where stdout has JSON. */
function sayQuestion({ paint, say }: CliContext, event: RunEvent): void {
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
