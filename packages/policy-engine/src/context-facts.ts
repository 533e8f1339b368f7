import type { CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { CallHistory, PolicyRequest } from '@modelhost/kernel';
import { confidentialityLevels } from '@modelhost/kernel';
import { questionBounds } from './bounds.ts';
import { areTexts, noText } from './texts.ts';

/** Values of the context by name. */
export type Context = Record<string, CedarValueJson>;

/** The facts of any request, or why they cannot be told to Cedar. The problem never quotes a value. */
export type FactsReading =
  | { readonly type: 'facts'; readonly facts: Context }
  | { readonly type: 'refused'; readonly problem: string };

/** Reads what every request says beside what it is about. `sums` are the arguments of the tool that are summed. */
export function readFacts(request: PolicyRequest, sums: readonly string[]): FactsReading {
  const { context, agent, isDelegated } = request;
  const { labels, evidence, history } = context;
  const counters = readCounters(request);
  if (counters === undefined) return refused('a counter or the time is no exact whole number');
  const origins = evidence?.values ?? [];
  const lists = [labels.sources, labels.compartments, history.toolsUsed, origins];
  if (lists.some(({ length }) => length > questionBounds.names)) {
    return refused('the labels, the history or the evidence have too many members');
  }
  const isText =
    areTexts([context.runId, context.callDigest, agent]) &&
    [labels.sources, labels.compartments, history.toolsUsed].every(areTexts) &&
    origins.every(({ path, origin }) => areTexts([path, origin]));
  if (!isText) return refused(noText);
  if (typeof isDelegated !== 'boolean') return refused('the request does not say who acts');
  const past = readHistory(history, sums);
  if (past === undefined) {
    return refused('the history has no exact whole number where one is needed');
  }
  const confidentiality = levelOf(labels.confidentiality);
  if (confidentiality === undefined) return refused('the labels have an unknown confidentiality');
  return {
    type: 'facts',
    facts: {
      // Whole seconds, so that a question stays the same for a while.
      now: datetime(Math.floor(context.nowMs / 1000) * 1000),
      runId: context.runId,
      agent,
      delegated: isDelegated,
      callDigest: context.callDigest,
      counters,
      labels: {
        // Whatever does not say that it is trusted is not.
        untrusted: labels.integrity !== 'trusted',
        sources: [...labels.sources],
        confidentiality,
        compartments: [...labels.compartments],
      },
      history: past,
      ...(evidence === undefined ? {} : { evidence: evidenceOf(evidence.values) }),
    },
  };
}

/** Number of a level, as policy compares it; undefined for what is none. */
export function levelOf(level: (typeof confidentialityLevels)[number]): number | undefined {
  const number = confidentialityLevels.indexOf(level);
  return number < 0 ? undefined : number;
}

/** A time in Cedar's terms. Throws for one that no calendar has. */
export function datetime(ms: number): CedarValueJson {
  return { __extn: { fn: 'datetime', arg: textOfTime(ms) } };
}

const textOfTime = createTimeTexts();

/** Remembers one: most questions are of the same second as the one before. */
function createTimeTexts(): (ms: number) => string {
  let last = { ms: 0, text: new Date(0).toISOString() };
  return (ms) => {
    if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() };
    return last.text;
  };
}

function readCounters({ context: { spent, nowMs } }: PolicyRequest): Context | undefined {
  const { modelCalls, toolCalls, costMicroUsd } = spent;
  const tokens = spent.inputTokens + spent.outputTokens;
  const isExact = [modelCalls, toolCalls, tokens, costMicroUsd, nowMs].every(Number.isSafeInteger);
  return isExact ? { modelCalls, toolCalls, tokens, costMicroUsd } : undefined;
}

function readHistory(history: CallHistory, names: readonly string[]): Context | undefined {
  const { callsOfTool, callsInFlight, callsLastHour, callsLastDay, approvals } = history;
  const counts = { callsOfTool, callsInFlight, callsLastHour, callsLastDay, approvals };
  if (!Object.values(counts).every(Number.isSafeInteger)) return undefined;
  const sums: Context = {};
  for (const name of names) {
    // A sum that the host did not tell could hide that a limit is passed.
    const sum = Object.hasOwn(history.sums, name) ? history.sums[name] : undefined;
    if (sum === undefined) return undefined;
    const { run, day } = sum;
    if (![run, day].every(Number.isSafeInteger)) return undefined;
    sums[name] = { run, day };
  }
  return { toolsUsed: [...history.toolsUsed], ...counts, sums };
}

type Origins = NonNullable<PolicyRequest['context']['evidence']>['values'];

function evidenceOf(values: Origins): Context {
  const unendorsed = values.filter(({ origin }) => origin === 'untrusted' || origin === 'model');
  return {
    origins: [...new Set(values.map(({ origin }) => origin))],
    unendorsed: [...new Set(unendorsed.map(({ path }) => path))],
  };
}

function refused(problem: string): { readonly type: 'refused'; readonly problem: string } {
  return { type: 'refused', problem };
}
