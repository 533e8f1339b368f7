import type { BudgetKind, BudgetLimits } from '../run.ts';

/** What a step may use. */
export interface BudgetAmount {
  readonly tokens: number;
  readonly costMicroUsd: number;
  readonly steps: number;
  readonly toolCalls: number;
}

/** The answer to a reservation. What is set aside has to be settled or released exactly once. */
export type ReserveOutcome =
  | { readonly kind: 'reserved'; readonly amount: BudgetAmount }
  | { readonly kind: 'refused'; readonly budget: BudgetKind };

/** What a scope has left: its limits less what is spent and held. */
export interface BudgetState {
  readonly limits: BudgetLimits;
  readonly spent: BudgetAmount;
  readonly held: BudgetAmount;
}

/**
 * Budgets by scope (a run here; user and tenant later). Law L1: `spent + held` never exceeds a limit,
 * and with nothing in flight nothing is held.
 */
export interface BudgetLedger {
  /** Of a scope that is open already it changes the limits; all that was used counts for them, so that they may be exceeded from the beginning. */
  open(scope: string, limits: BudgetLimits): void;
  /** Sets the amount aside, or says which limit refuses it. `id` is the step's idempotency key: the same id is set aside once. */
  reserve(scope: string, id: string, amount: BudgetAmount): ReserveOutcome;
  /** Turns a reservation into spending. What is above the limit cannot be charged and comes back as `overrunTokens`. */
  settle(scope: string, id: string, used: BudgetAmount): { readonly overrunTokens: number };
  /** Gives a reservation back unused. */
  release(scope: string, id: string): void;
  state(scope: string): BudgetState;
  /** Forgets the scope. */
  close(scope: string): void;
}
