import { ReplayResultSchema, ReplayVerdict, RunEventSchema, RunState } from '@modelhost/contracts';
import type { ReplayResult, RunEvent } from '@modelhost/contracts';
import { withClient } from '../connection.ts';
import type { ConnectionFlags, WaitFlag } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { exitCodes } from '../failure.ts';
import { compareRuns, renderRunDiff } from '../history/diff-text.ts';
import { readWholeRun } from '../history/whole-run.ts';
import { readNamedFile } from '../named-files.ts';
import { toJsonText } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';
import { toLine } from '../text/printable.ts';
import { createEventPrinter } from '../text/printer.ts';
import { count } from '../text/quantities.ts';
import { followToEnd } from '../watching/follow-to-end.ts';
import { exitCodeOfRun } from '../watching/play.ts';

/** What `runs replay` is told. */
export interface ReplayFlags extends ConnectionFlags, JsonFlag {
  readonly events?: boolean;
}

/** What `runs fork` is told. */
export interface ForkFlags extends ConnectionFlags, JsonFlag, WaitFlag {
  readonly at: string;
  readonly route?: string;
  readonly bundle?: string;
  readonly budgetTokens?: number;
  readonly budgetUsd?: bigint;
  readonly requestId?: string;
  readonly verbose?: boolean;
}

/** Replays a run and says whether it gives what was shown: 0 when it does, 1 when it does not or nobody knows. */
export async function replayRun(
  context: CliContext,
  flags: ReplayFlags,
  runId: string,
): Promise<void> {
  await withClient(context, flags, async (client) => {
    const printEvent = createEventPrinter(context, flags);
    let events: RunEvent[] = [];
    for await (const item of client.replayRun(runId)) {
      if (item.case === 'event') {
        if (flags.events === true) printEvent(item.value);
        // Only where it differs is it looked at again.
        events.push(item.value);
      }
      if (item.case !== 'result') continue;
      context.print(
        flags.json === true
          ? `${toJsonText(ReplayResultSchema, item.value, flags.events === true ? 0 : 2)}\n`
          : renderVerdict(item.value, events, context),
      );
      const isEqual = item.value.verdict === ReplayVerdict.EQUAL;
      context.exitWith(isEqual ? exitCodes.ok : exitCodes.failure);
      events = [];
    }
  });
}

function renderVerdict(
  result: ReplayResult,
  events: readonly RunEvent[],
  { paint }: CliContext,
): string {
  const { verdict, digest, recordedDigest, firstDifference, recordedEvent } = result;
  switch (verdict) {
    case ReplayVerdict.EQUAL:
      return `${paint.green('equal')}: ${count(events.length, 'event')}, sha256:${digest}\n`;
    case ReplayVerdict.NOT_COMPARED:
      return `${paint.yellow('not compared')}: nothing is kept of what was shown\nreplayed ${count(events.length, 'event')}, sha256:${digest}\n`;
    case ReplayVerdict.DIFFERENT:
    case ReplayVerdict.UNSPECIFIED:
      break;
  }
  const replayed = events.find(({ sequence }) => sequence === firstDifference);
  const where = firstDifference === 0n ? '' : ` at event ${firstDifference}`;
  return [
    `${paint.red('different')}${where}\n`,
    `shown     ${tell(recordedEvent)}\n`,
    `replayed  ${tell(replayed)}\n`,
    `shown     sha256:${recordedDigest}\n`,
    `replayed  sha256:${digest}\n`,
  ].join('');
}

function tell(event: RunEvent | undefined): string {
  return event === undefined ? 'nothing' : toLine(toJsonText(RunEventSchema, event), 1_000);
}

/** Starts a fork, shows it to its end, and then what it does otherwise than the run that it comes from. */
export async function forkRun(context: CliContext, flags: ForkFlags, runId: string): Promise<void> {
  const bundle = flags.bundle === undefined ? new Uint8Array() : await readNamedFile(flags.bundle);
  await withClient(context, flags, async (client) => {
    const fork = await client.forkRun({
      runId,
      atStep: flags.at,
      model: flags.route ?? '',
      bundle,
      requestId: flags.requestId ?? '',
      budget: {
        ...(flags.budgetTokens === undefined ? {} : { maxTokens: BigInt(flags.budgetTokens) }),
        ...(flags.budgetUsd === undefined ? {} : { maxCostMicroUsd: flags.budgetUsd }),
      },
    });
    context.say(
      fork.created
        ? `${fork.runId} goes on from ${flags.at} of ${runId}`
        : `run ${fork.runId} was started before with this request id`,
    );
    const events: RunEvent[] = [];
    const result = await followToEnd(context, client, {
      runId: fork.runId,
      flags,
      onEvent: (event) => void events.push(event),
    });
    const { state } = await client.getRun(runId);
    if (state !== RunState.FINISHED) {
      context.say(`${runId} is not finished, so the two are not compared`);
    } else {
      const old = await readWholeRun(client, runId);
      const now = await readWholeRun(client, fork.runId, events);
      const parts = compareRuns(old, now);
      context.print(
        flags.json === true
          ? `${JSON.stringify({ comparedWith: runId, parts })}\n`
          : `\n${renderRunDiff(parts, context.paint)}`,
      );
    }
    context.exitWith(exitCodeOfRun({ result, isInterrupted: false }));
  });
}
