import type { ModelRoute } from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import { costOf, estimateMessageTokens, weighMessages } from '../model/tokens.ts';
import { unwrapCall } from '../tools/tool-search.ts';
import { lighten, planCompaction } from './plan.ts';
import type { CompactionPlan } from './plan.ts';
import type { StandIn } from './sent-messages.ts';
import { summarize } from './summarize.ts';
import { cutText, summaryRequest, summaryText, textMessage } from './texts.ts';

/** Why the conversation is looked at. */
export interface CompactionCause {
  /** Name of the step that a summary is made in. */
  readonly step: string;
  /** The provider itself says that the request is too long, whatever the estimate was. */
  readonly isRefused: boolean;
}

/**
 * Puts one message in the place of the older ones when the next request would fill too much of the model's window: the summary that
 * the session has already, a new one if that is not enough, or a note that they were left out where no summary can be had. What was
 * said stays what it was for labels, evidence and the session. Gives whether anything changed; the same from the journal.
 */
export async function compactContext(run: ActiveRun, cause: CompactionCause): Promise<boolean> {
  const { conversation, context } = run;
  const tokensMax = tokensMaxOf(run, cause);
  if (tokensMax === undefined || wantedTokensOf(run) <= tokensMax) return false;
  const messagesBefore = conversation.messages().length;
  const tokensBefore = conversation.tokens();
  const isRecalled = conversation.recall();
  const made =
    wantedTokensOf(run) > tokensMax ? await replaceOlder(run, cause, tokensMax) : undefined;
  const method = made ?? (isRecalled ? 'summary' : undefined);
  if (method === undefined) return false;
  context.emit(cause.step, {
    type: 'context-compacted',
    method,
    messagesBefore,
    messagesAfter: conversation.messages().length,
    tokensBefore,
    tokensAfter: conversation.tokens(),
  });
  return true;
}

/** Gives what stands in the place of the older messages; undefined where they stay. */
async function replaceOlder(
  run: ActiveRun,
  cause: CompactionCause,
  tokensMax: number,
): Promise<StandIn['type'] | undefined> {
  const { conversation } = run;
  const need = needOf(run, cause, tokensMax);
  const { task } = conversation;
  const messages = conversation.messages();
  const plan = planCompaction({ messages, task, keptTokensMax: need.keptTokensMax });
  if (plan === undefined) return undefined;
  const olderTokens = weighMessages(plan.older);
  if (!need.isPressing && olderTokens <= tokensMax * worthwhileShare) return undefined;
  const standIn = await standInFor(run, cause, { ...need, plan, olderTokens });
  if (weighText(standIn.text) >= olderTokens) return undefined;
  conversation.replace(plan.older, standIn);
  return standIn.type;
}

/** Less than this of what may be sent is not worth a summary, so long as the request fits at all. */
const worthwhileShare = 0.1;
/** Share of the window that is kept free for the answer, at most: models may answer at greater length than is usual. */
const answerShareMax = 0.25;
const summaryShare = 1 / 16;
const summaryBounds = { tokensMin: 256, tokensMax: 8_192 } as const;

interface Need {
  readonly inputTokens: number;
  readonly keptTokensMax: number;
  readonly summaryTokensMax: number;
  /** The request cannot be sent as it is. */
  readonly isPressing: boolean;
}

/** What a request may weigh with room for its answer. Undefined where nothing may be compacted. */
function tokensMaxOf(run: ActiveRun, { isRefused }: CompactionCause): number | undefined {
  const { compactAtPercent } = run.input.agent;
  if (compactAtPercent === undefined) return undefined;
  return isRefused
    ? Math.floor(wantedTokensOf(run) / 2)
    : Math.floor((run.terms.route().contextTokensMax * compactAtPercent) / 100);
}

/** What the next request weighs with room for its answer. */
function wantedTokensOf(run: ActiveRun): number {
  return run.offeredTokens() + run.conversation.tokens() + answerTokensOf(run);
}

function answerTokensOf({ input, terms }: ActiveRun): number {
  const route = terms.route();
  return Math.min(
    input.sampling.maxOutputTokens ?? Infinity,
    route.outputTokensMax,
    Math.floor(route.contextTokensMax * answerShareMax),
  );
}

function needOf(run: ActiveRun, { isRefused }: CompactionCause, tokensMax: number): Need {
  const { conversation } = run;
  const route = run.terms.route();
  const offeredTokens = run.offeredTokens();
  const inputTokens = offeredTokens + conversation.tokens();
  const summaryTokensMax = summaryTokensOf(route);
  const fixed = conversation
    .messages()
    .filter((message) => message === conversation.task || message.role === 'system');
  const fixedTokens = offeredTokens + answerTokensOf(run) + summaryTokensMax + weighMessages(fixed);
  return {
    inputTokens,
    // Half of what is left: the other half is for what comes, so that not every turn compacts again.
    keptTokensMax: Math.floor((tokensMax - fixedTokens) / 2),
    summaryTokensMax,
    isPressing: isRefused || inputTokens >= route.contextTokensMax,
  };
}

function summaryTokensOf({ contextTokensMax, outputTokensMax }: ModelRoute): number {
  const { tokensMin, tokensMax } = summaryBounds;
  const share = Math.floor(contextTokensMax * summaryShare);
  return Math.min(outputTokensMax, tokensMax, Math.max(tokensMin, share));
}

interface Wanted extends Need {
  readonly plan: CompactionPlan;
  readonly olderTokens: number;
}

async function standInFor(
  run: ActiveRun,
  cause: CompactionCause,
  wanted: Wanted,
): Promise<StandIn> {
  const summary = await trySummary(run, cause, wanted);
  const isShorter = summary !== undefined && weighText(summary) < wanted.olderTokens;
  return isShorter
    ? { type: 'summary', text: summary }
    : { type: 'cut', text: cutText({ calls: callsOf(run, wanted.plan) }) };
}

/** A text weighs more as a message than by itself. */
function weighText(text: string): number {
  return estimateMessageTokens(textMessage(text));
}

/** Undefined where a summary does not fit, is not affordable, not allowed, or does not come. */
async function trySummary(
  run: ActiveRun,
  { step, isRefused }: CompactionCause,
  { plan, inputTokens, olderTokens, summaryTokensMax }: Wanted,
): Promise<string | undefined> {
  const { contextTokensMax } = run.terms.route();
  const aroundTokens = run.offeredTokens() + estimateMessageTokens(summaryRequest);
  const tokensMax = isRefused ? inputTokens / 2 : contextTokensMax - summaryTokensMax;
  const { task } = run.conversation;
  const sent = lighten(plan.before, { task, tokensMax: tokensMax - aroundTokens });
  const sentTokens = aroundTokens + weighMessages(sent);
  const isAnythingSent = plan.older.some((message) => sent.includes(message));
  if (!isAnythingSent || sentTokens > tokensMax) return undefined;
  const nextTokens = inputTokens - olderTokens + summaryTokensMax;
  if (nextTokens >= contextTokensMax) return undefined;
  if (!isAffordable(run, { sentTokens, nextTokens, summaryTokensMax })) return undefined;
  const summary = await summarize(run, {
    step,
    messages: [...sent, summaryRequest],
    inputTokens: sentTokens,
    maxOutputTokens: summaryTokensMax,
  });
  return summary === undefined
    ? undefined
    : summaryText(summary, {
        calls: callsOf(run, plan),
        isWhole: sent.length === plan.before.length,
      });
}

/** Names of the known tools that were called in what the model reads no longer, now or since an earlier compaction. */
function callsOf(run: ActiveRun, { older }: CompactionPlan): readonly string[] {
  const { conversation, input } = run;
  const left = new Set(conversation.messages());
  for (const message of older) left.delete(message);
  return [...input.history, ...conversation.said()]
    .filter((message) => !left.has(message))
    .flatMap((message) => (message.role === 'assistant' ? message.toolCalls : []))
    .map((call) => unwrapCall(run, call).name)
    .filter((name) => run.tools.has(name));
}

/** Whether the budget has enough for the summary and for the turn after it, for which it is made. */
function isAffordable(
  { ports, terms, budgetScope }: ActiveRun,
  tokens: Readonly<Record<'nextTokens' | 'sentTokens' | 'summaryTokensMax', number>>,
): boolean {
  const { limits, spent, held } = ports.budgets.state(budgetScope);
  const usage = {
    inputTokens: tokens.sentTokens + tokens.nextTokens,
    outputTokens: tokens.summaryTokensMax + 1,
  };
  const costMicroUsd = costOf(terms.route(), usage);
  return (
    spent.steps + held.steps + 2 <= limits.stepsMax &&
    spent.tokens + held.tokens + usage.inputTokens + usage.outputTokens <= limits.tokensMax &&
    spent.costMicroUsd + held.costMicroUsd + costMicroUsd <= limits.costMicroUsdMax
  );
}
