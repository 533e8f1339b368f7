import type {
  BudgetKind,
  BudgetLedger,
  BudgetLimits,
  ModelRoute,
  RunInput,
} from '@modelhost/kernel';
import { exceededBy, nothing } from './budgets/budget-ledger.ts';

/** What binds the steps of a run: in a fork, those that it has from other runs are bound as they were there. */
export interface Terms {
  /** The model that is asked now. */
  route(): ModelRoute;
  /** Goes on with the steps from this one. Gives the limit that has no room for what was used by then, where other ones hold from here. */
  enter(step: string): BudgetKind | undefined;
}

/** Opens the budget of a run. */
export function openTerms(input: RunInput, budgets: BudgetLedger, scope: string): Terms {
  const { agent, budget, earlier = [] } = input;
  const own = { route: agent.route, budget };
  let held = earlier[0] ?? own;
  budgets.open(scope, held.budget);
  return {
    route: () => held.route,
    enter: (step) => {
      if (held === own) return undefined;
      const place = placeOf(step);
      const now = earlier.find(({ untilStep }) => placeOf(untilStep) > place) ?? own;
      if (now === held) return undefined;
      held = now;
      budgets.open(scope, now.budget);
      return exceededBy(budgets.state(scope), nothing);
    },
  };
}

/** What a fork changes of them, from one of its steps on. */
export interface TermsChange {
  /** Absent: as they are. */
  readonly route?: ModelRoute;
  readonly budget?: BudgetLimits;
}

/**
 * Input of a run that goes on from a step of this one under other terms. All before it is done as it was: what was set aside,
 * left out and charged there follows from what was in force.
 */
export function changeTerms(input: RunInput, atStep: string, change: TermsChange): RunInput {
  const { agent, earlier = [] } = input;
  const { route = agent.route, budget = input.budget } = change;
  const place = placeOf(atStep);
  const before = earlier.filter(({ untilStep }) => placeOf(untilStep) < place);
  const until = earlier[before.length] ?? { route: agent.route, budget: input.budget };
  return {
    ...input,
    agent: { ...agent, route },
    budget,
    earlier: [...before, { route: until.route, budget: until.budget, untilStep: atStep }],
  };
}

/** Steps that the terms of this one decide on too: whether the conversation is compacted for a model call, and the call itself. */
export function stepsWith(atStep: string): readonly string[] {
  const [, turn, call] = /^(.*\/)(?:compact|model)(-again)?$/.exec(atStep) ?? [];
  if (turn === undefined) return [];
  return ['compact', 'model'].map((name) => `${turn}${name}${call ?? ''}`);
}

/** Where terms may change in a turn: before its model call, before that is tried again with less, and before its tool calls. */
const parts = ['model', 'model-again', 'tools'];

/** Number of the part of a run that a step belongs to. */
function placeOf(step: string): number {
  const [, turn = '', name = ''] = /^turn-(\d+)\/(.+)$/.exec(step) ?? [];
  const part = parts.indexOf(name.replace('compact', 'model'));
  return Number(turn) * parts.length + (part < 0 ? parts.length - 1 : part);
}
