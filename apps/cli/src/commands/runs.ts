import type { ListRunsResponse, Run } from '@modelhost/contracts';
import { ListRunsResponseSchema, RunEndReason, RunSchema, RunState } from '@modelhost/contracts';
import type { RewoundRun } from '@modelhost/sdk';
import { withClient } from '../connection.ts';
import type { ConnectionFlags, WaitFlag } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { toRewound } from '../text/interruption-text.ts';
import { describeNextPage } from '../text/next-page.ts';
import type { PageFlags } from '../text/next-page.ts';
import { toJsonText, toTable } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';
import type { Paint } from '../text/paint.ts';
import { toLine, toPrintable } from '../text/printable.ts';
import { formatStatistics } from '../text/quantities.ts';
import { renderEnding } from '../text/timeline.ts';
import { formatTime } from '../text/times.ts';
import { followToEnd } from '../watching/follow-to-end.ts';
import { exitCodeOfRun } from '../watching/play.ts';

/** What `runs list` is told. */
export interface ListFlags extends ConnectionFlags, JsonFlag, PageFlags {
  readonly state?: 'running' | 'waiting' | 'finished';
}

/** What `runs follow` is told. */
export interface FollowFlags extends ConnectionFlags, JsonFlag, WaitFlag {
  readonly after: bigint;
  readonly verbose?: boolean;
}

/** One page of runs. */
export async function listRuns(context: CliContext, flags: ListFlags): Promise<void> {
  await withClient(context, flags, async (client) => {
    const page = await client.listRuns({
      ...(flags.limit === undefined ? {} : { pageSize: flags.limit }),
      ...(flags.page === undefined ? {} : { pageToken: flags.page }),
      ...(flags.state === undefined ? {} : { state: states[flags.state] }),
    });
    if (flags.json === true) {
      context.print(`${toJsonText(ListRunsResponseSchema, page, 2)}\n`);
    } else {
      showPage(context, flags, page);
    }
  });
}

function showPage(
  { print, say }: CliContext,
  { state, limit }: ListFlags,
  { runs, nextPageToken }: ListRunsResponse,
): void {
  if (runs.length === 0) say('no runs');
  else {
    const rows = runs.map((run) => [
      run.runId,
      run.agent,
      stateName(run),
      toLine(run.subject, 40),
      formatTime(run.createTime),
    ]);
    print(toTable(['RUN', 'AGENT', 'STATE', 'BY', 'CREATED'], rows));
  }
  if (nextPageToken !== '') say(describeNextPage('runs list', { state, limit }, nextPageToken));
}

/** Everything that is known of one run. */
export async function showRun(
  context: CliContext,
  flags: ConnectionFlags & JsonFlag,
  runId: string,
): Promise<void> {
  await withClient(context, flags, async (client) => {
    const run = await client.getRun(runId);
    context.print(
      flags.json === true ? `${toJsonText(RunSchema, run, 2)}\n` : describeRun(run, context.paint),
    );
  });
}

function describeRun(run: Run, paint: Paint): string {
  const { result } = run;
  const statistics = result?.statistics;
  return [
    `${paint.bold(run.runId)}  ${stateName(run)}\n`,
    `agent    ${run.agent} (${run.agentVersion})\n`,
    `by       ${toLine(run.subject, 128)}\n`,
    `created  ${formatTime(run.createTime)}\n`,
    ...(run.finishTime === undefined ? [] : [`finished ${formatTime(run.finishTime)}\n`]),
    `events   ${run.lastSequence}\n`,
    ...Object.entries(run.metadata).map(
      ([key, value]) => `label    ${toLine(`${key}=${value}`, 200)}\n`,
    ),
    ...run.waitingFor.map(({ signal }) => describeSignal(run.runId, signal)),
    ...(result === undefined ? [] : [renderEnding(result, paint)]),
    ...(statistics === undefined ? [] : [`${paint.dim(formatStatistics(statistics))}\n`]),
    ...(result === undefined || result.answer === '' ? [] : [`\n${toPrintable(result.answer)}\n`]),
  ].join('');
}

function describeSignal(runId: string, signal: Run['waitingFor'][number]['signal']): string {
  switch (signal.case) {
    case 'approvalId':
      return `waits    for approval ${signal.value}: \`model-host runs follow ${runId}\` shows the call, who has to say yes and until when; \`runs approve\` or \`runs deny ${runId} ${signal.value}\` answers\n`;
    case 'toolCallId':
      return `waits    for the result of the client's tool call ${toLine(signal.value, 128)}\n`;
    case 'inputId':
      return `waits    for input ${signal.value}: \`model-host runs follow ${runId}\` shows what is asked, \`runs answer ${runId} ${signal.value}\` answers\n`;
    case undefined:
      return '';
  }
}

/** Shows a run to its end and exits with what it ended with. */
export async function followRun(
  context: CliContext,
  flags: FollowFlags,
  runId: string,
): Promise<void> {
  const { after: afterSequence } = flags;
  // Who names an event that is not there is wrong; who was shown it saw another past of the run.
  const onRewound = (run: RewoundRun): void => context.say(toRewound(run));
  await withClient(context, flags, async (client) => {
    const result = await followToEnd(context, client, {
      runId,
      flags,
      afterSequence,
      ...(afterSequence === 0n ? { onRewound } : {}),
    });
    // The end is not there for whoever named an event after it.
    if (result !== undefined) context.exitWith(exitCodeOfRun({ result, isInterrupted: false }));
  });
}

/** Asks the host to end a run. */
export async function cancelRun(
  context: CliContext,
  flags: ConnectionFlags,
  runId: string,
): Promise<void> {
  await withClient(context, flags, async (client) => {
    const isCancelled = await client.cancelRun(runId);
    context.say(isCancelled ? `${runId} is being cancelled` : `${runId} was finished already`);
  });
}

const states = {
  running: RunState.RUNNING,
  waiting: RunState.WAITING,
  finished: RunState.FINISHED,
} as const;

function stateName({ state, result }: Run): string {
  if (result !== undefined) return endingNames[result.reason] ?? 'finished';
  return stateNames[state] ?? 'unknown';
}

// A newer host may send values that are not in these tables.
const stateNames: Readonly<Record<number, string>> = {
  [RunState.RUNNING]: 'running',
  [RunState.WAITING]: 'waiting',
  [RunState.FINISHED]: 'finished',
};

const endingNames: Readonly<Record<number, string>> = {
  [RunEndReason.COMPLETED]: 'completed',
  [RunEndReason.BUDGET_EXCEEDED]: 'budget-exceeded',
  [RunEndReason.DENIED]: 'denied',
  [RunEndReason.CANCELLED]: 'cancelled',
  [RunEndReason.DEADLINE]: 'deadline',
  [RunEndReason.FAILED]: 'failed',
};
