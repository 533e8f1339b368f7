import { HostError } from '@modelhost/kernel';
import type {
  BudgetAmount,
  BudgetKind,
  BudgetLedger,
  BudgetLimits,
  BudgetState,
  ReserveOutcome,
} from '@modelhost/kernel';

interface Account {
  limits: BudgetLimits;
  spent: BudgetAmount;
  /** The same with what was above the limits. */
  used: BudgetAmount;
  readonly held: Map<string, BudgetAmount>;
}

export const nothing: BudgetAmount = { tokens: 0, costMicroUsd: 0, steps: 0, toolCalls: 0 };

/**
 * Keeps budgets in memory. A scope lives from `open` to `close`; what is reserved in it is bounded by its own limits,
 * because every reservation holds at least one step.
 */
export function createBudgetLedger(): BudgetLedger {
  const accounts = new Map<string, Account>();

  function accountOf(scope: string): Account {
    const account = accounts.get(scope);
    if (account === undefined) throw new HostError('internal', `no budget is open for ${scope}`);
    return account;
  }

  function reserve(scope: string, id: string, amount: BudgetAmount): ReserveOutcome {
    const account = accountOf(scope);
    const before = account.held.get(id);
    if (before !== undefined) return { kind: 'reserved', amount: before };
    const wanted = add(add(account.spent, heldOf(account)), amount);
    const budget = firstExceeded(wanted, account.limits);
    if (budget !== undefined) return { kind: 'refused', budget };
    account.held.set(id, amount);
    return { kind: 'reserved', amount };
  }

  function settle(scope: string, id: string, used: BudgetAmount): { overrunTokens: number } {
    const account = accountOf(scope);
    account.held.delete(id);
    const taken = add(account.spent, heldOf(account));
    const { limits } = account;
    // Where there are other limits than those that it was taken under, there may be less than nothing left.
    const charge = (amount: number, left: number): number => Math.min(amount, Math.max(0, left));
    const charged: BudgetAmount = {
      tokens: charge(used.tokens, limits.tokensMax - taken.tokens),
      costMicroUsd: charge(used.costMicroUsd, limits.costMicroUsdMax - taken.costMicroUsd),
      steps: charge(used.steps, limits.stepsMax - taken.steps),
      toolCalls: charge(used.toolCalls, limits.toolCallsMax - taken.toolCalls),
    };
    account.spent = add(account.spent, charged);
    account.used = add(account.used, used);
    return { overrunTokens: used.tokens - charged.tokens };
  }

  function state(scope: string): BudgetState {
    const account = accountOf(scope);
    return { limits: account.limits, spent: account.spent, held: heldOf(account) };
  }

  return {
    open: (scope, limits) => {
      const { used = nothing, held = new Map<string, BudgetAmount>() } = accounts.get(scope) ?? {};
      accounts.set(scope, { limits, spent: used, used, held });
    },
    reserve,
    settle,
    release: (scope, id) => {
      accountOf(scope).held.delete(id);
    },
    state,
    close: (scope) => {
      accounts.delete(scope);
    },
  };
}

function heldOf(account: Account): BudgetAmount {
  let sum = nothing;
  for (const amount of account.held.values()) sum = add(sum, amount);
  return sum;
}

function add(one: BudgetAmount, other: BudgetAmount): BudgetAmount {
  return {
    tokens: one.tokens + other.tokens,
    costMicroUsd: one.costMicroUsd + other.costMicroUsd,
    steps: one.steps + other.steps,
    toolCalls: one.toolCalls + other.toolCalls,
  };
}

/** Which limit one more amount would exceed, beside all that is spent and held; undefined for none. */
export function exceededBy(
  { limits, spent, held }: BudgetState,
  amount: BudgetAmount,
): BudgetKind | undefined {
  return firstExceeded(add(add(spent, held), amount), limits);
}

function firstExceeded(amount: BudgetAmount, limits: BudgetLimits): BudgetKind | undefined {
  if (amount.steps > limits.stepsMax) return 'steps';
  if (amount.toolCalls > limits.toolCallsMax) return 'tool_calls';
  if (amount.tokens > limits.tokensMax) return 'tokens';
  if (amount.costMicroUsd > limits.costMicroUsdMax) return 'cost';
  return undefined;
}
