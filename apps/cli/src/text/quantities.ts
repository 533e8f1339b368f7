import { BudgetKind } from '@modelhost/contracts';
import type { RunStatistics } from '@modelhost/contracts';

/** A span as seconds and nanoseconds, as the contract has it. */
interface Span {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** `850 ms`, `12.3 s` or `4 min 5 s`. */
export function formatDuration({ seconds, nanos }: Span): string {
  const ms = Number(seconds) * 1_000 + nanos / 1_000_000;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const whole = Math.round(ms / 1_000);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Millionths of a US dollar as dollars, with as many digits as they need and two at least. */
export function formatCost(microUsd: bigint): string {
  const digits = (Number(microUsd) / 1_000_000).toFixed(6);
  return `$${digits.replace(/0{1,4}$/, '')}`;
}

/** Everything that a run used, in one line. */
export function formatStatistics(statistics: RunStatistics): string {
  const { modelCalls, toolCalls, toolCallsDenied, approvals, duration } = statistics;
  const denied = toolCallsDenied === 0 ? '' : ` (${toolCallsDenied} denied)`;
  return [
    ...(duration === undefined ? [] : [formatDuration(duration)]),
    count(modelCalls, 'model call'),
    `${count(toolCalls, 'tool call')}${denied}`,
    count(approvals, 'approval'),
    `${group(statistics.inputTokens)} tokens in, ${group(statistics.outputTokens)} out`,
    formatCost(statistics.costMicroUsd),
  ].join(' · ');
}

/** `1 call`, `2 calls`. */
export function count(number: number, noun: string): string {
  return `${group(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** Which budget, in words. */
export function budgetName(kind: BudgetKind): string {
  return budgetNames[kind] ?? 'unknown';
}

// A newer host may know more budgets.
const budgetNames: Readonly<Record<number, string>> = {
  [BudgetKind.TOKENS]: 'tokens',
  [BudgetKind.COST]: 'cost',
  [BudgetKind.STEPS]: 'steps',
  [BudgetKind.TOOL_CALLS]: 'tool calls',
};

function group(number: number | bigint): string {
  return number.toLocaleString('en-US');
}
