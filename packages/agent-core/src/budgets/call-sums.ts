import type { JsonObject, ToolDefinition } from '@modelhost/kernel';

/** What a call adds to the sums of its tool, by argument. */
export type CallAmounts = Readonly<Record<string, number>>;

const none: CallAmounts = {};

/**
 * The summed arguments of a call; an absent one is 0. What is no whole number, or below 0, cannot be summed: it counts as
 * the largest number, so that every bound on the sum refuses it.
 */
export function amountsOf({ summedArguments }: ToolDefinition, values: JsonObject): CallAmounts {
  if (summedArguments === undefined || summedArguments.length === 0) return none;
  return Object.fromEntries(
    summedArguments.map((name) => [name, Object.hasOwn(values, name) ? amountOf(values[name]) : 0]),
  );
}

function amountOf(value: unknown): number {
  return Number.isSafeInteger(value) && Number(value) >= 0
    ? Number(value)
    : Number.MAX_SAFE_INTEGER;
}

/** Both together, never more than the largest number. */
export function addAmounts(one: number, other: number): number {
  return Math.min(one + other, Number.MAX_SAFE_INTEGER);
}

/** What is kept of an amount: one that cannot be summed must not stand in the way of the calls after it. */
export function keptAmount(amount: number): number {
  return amount === Number.MAX_SAFE_INTEGER ? 0 : amount;
}
