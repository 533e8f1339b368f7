import type { Duration } from '@bufbuild/protobuf/wkt';
import type { Budget } from '@modelhost/contracts';
import type { BudgetLimits } from '@modelhost/kernel';
import type { FieldReader, NumberBounds } from './field-reader.ts';

const whole = Number.MAX_SAFE_INTEGER;

/** The limits that a caller gives, within the bounds of the contract; what is absent is left out. */
export function readLimits(
  reader: FieldReader,
  field: string,
  given: Budget | undefined,
): Partial<BudgetLimits> {
  if (given === undefined) return {};
  const read = <Name extends keyof BudgetLimits>(
    name: Name,
    path: string,
    value: number | bigint | undefined,
    bounds: NumberBounds,
  ): { readonly [Key in Name]?: number } => {
    const limit = reader.number(`${field}.${path}`, value, bounds);
    // The key is the name that was given.
    return limit === undefined ? {} : ({ [name]: limit } as { readonly [Key in Name]: number });
  };
  const durationMs = given.maxDuration && durationMsOf(given.maxDuration);
  return {
    ...read('tokensMax', 'max_tokens', given.maxTokens, { min: 1, max: whole }),
    ...read('costMicroUsdMax', 'max_cost_micro_usd', given.maxCostMicroUsd, { min: 0, max: whole }),
    ...read('stepsMax', 'max_steps', given.maxSteps, { min: 1, max: whole }),
    ...read('toolCallsMax', 'max_tool_calls', given.maxToolCalls, { min: 0, max: whole }),
    ...read('durationMsMax', 'max_duration', durationMs, { min: 1, max: whole, unit: 'ms' }),
  };
}

/** Rounded up, because anything above 0 is allowed. */
function durationMsOf({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1_000 + Math.ceil(nanos / 1_000_000);
}
