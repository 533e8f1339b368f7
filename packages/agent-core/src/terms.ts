import { canonicalJson } from '@modelhost/kernel';
import type {
  BudgetKind,
  BudgetLedger,
  BudgetLimits,
  EarlierTerms,
  Json,
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
      const now = earlier.find(({ untilStep }) => isBefore(place, placeOf(untilStep))) ?? own;
      if (now === held) return undefined;
      held = now;
      budgets.open(scope, now.budget);
      return exceededBy(budgets.state(scope), nothing);
    },
  };
}

/**
 * Input of a run that goes on from `firstStep` of one with this input, under its own route and budget or those that are given. All before
 * is done as it was: what was set aside, left out and charged there follows from what was in force.
 */
export function changeTerms(
  input: RunInput,
  firstStep: string,
  change: { readonly route?: ModelRoute; readonly budget?: BudgetLimits },
): RunInput {
  const { earlier: known = [], ...rest } = input;
  const { route = rest.agent.route, budget = rest.budget } = change;
  const place = placeOf(firstStep);
  const before = known.filter(({ untilStep }) => isBefore(placeOf(untilStep), place));
  const until = known[before.length] ?? { route: rest.agent.route, budget: rest.budget };
  const last: EarlierTerms = { route: until.route, budget: until.budget, untilStep: firstStep };
  const earlier = isSame(last, { route, budget }) ? before : [...before, last];
  const changed = { ...rest, agent: { ...rest.agent, route }, budget };
  return earlier.length === 0 ? changed : { ...changed, earlier };
}

type BoundBy = Pick<EarlierTerms, 'budget' | 'route'>;

function isSame(one: BoundBy, other: BoundBy): boolean {
  // Both are JSON through and through.
  const [text, otherText] = [one, other].map(({ route, budget }) =>
    canonicalJson([route, budget] as unknown as Json),
  );
  return text === otherText;
}

/**
 * Steps that are done anew with that of a fork, or in its place, where other terms begin with `firstStep`: they decide on the compaction
 * for a model call too.
 */
export function stepsWith(
  { earlier = [] }: RunInput,
  { atStep, firstStep }: { readonly atStep: string; readonly firstStep: string },
): readonly string[] {
  const [, turn, again = ''] = /^(.*\/)(?:compact|model)(-again)?$/.exec(atStep) ?? [];
  if (turn === undefined || earlier.at(-1)?.untilStep !== firstStep) return [];
  return ['compact', 'model'].map((name) => `${turn}${name}${again}`);
}

/** Where terms may change: a turn, and in it the model call, that again with less, or one of the tool calls. */
type Place = readonly [turn: number, part: number];

/** Parts of a turn that are before its tool calls. */
const modelParts = ['model', 'model-again'];

function placeOf(step: string): Place {
  const [, turn = '', name = ''] = /^turn-(\d+)\/(.+)$/.exec(step) ?? [];
  const [, call] = /^tool-(\d+)/.exec(name) ?? [];
  const part = modelParts.indexOf(name.replace('compact', 'model'));
  return [Number(turn), call === undefined ? part : modelParts.length + Number(call)];
}

function isBefore([turn, part]: Place, [otherTurn, otherPart]: Place): boolean {
  return turn < otherTurn || (turn === otherTurn && part < otherPart);
}
