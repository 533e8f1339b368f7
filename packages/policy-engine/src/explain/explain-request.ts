import type { Decision, PolicyRequest } from '@modelhost/kernel';
import type { RuleSetPart } from '../annotations.ts';
import type { CedarRuntime } from '../cedar-runtime.ts';
import { approvedFor, gatesOf } from '../gates.ts';
import { decideQuestion } from '../decide.ts';
import type { Deliberation, DeliberationReading } from '../decide.ts';
import { uidOf } from '../entity-uid.ts';
import { withApproval } from '../question.ts';
import type { Approved } from '../question.ts';
import type { RuleSet } from '../rule-set.ts';
import type { Rule } from '../rules.ts';
import { createSlice } from '../slices.ts';
import type { Slice } from '../slices.ts';
import type { ChangeExplanation, Explanation, RuleExplanation } from './explanation.ts';
import { factsReadBy } from './facts-read.ts';
import { readStates } from './rule-states.ts';
import type { RuleState } from './rule-states.ts';
import { changesOf } from './tried-changes.ts';

/** What an explanation is made of. */
export interface ExplainOptions {
  readonly request: PolicyRequest;
  /** The rule sets that decide, in the order of the panels. */
  readonly ruleSets: readonly RuleSet[];
  readonly decide: (request: PolicyRequest) => Decision;
  /** What the decision depends on, or why it cannot be made; may throw what Cedar throws. */
  readonly reading: () => DeliberationReading;
  readonly cedar: CedarRuntime;
}

const rulesMax = 500;
const othersMax = 100;
const forbidsMax = 16;

/**
 * Says which rules were about a request, which conditions did not hold, and which single change would lead to another effect.
 * Costs some ten decisions.
 */
export function explainRequest(options: ExplainOptions): Explanation {
  const { request, decide, reading } = options;
  const decision = decide(request);
  try {
    const read = reading();
    if (read.type === 'deliberation') return explainDecision({ ...options, decision }, read);
  } catch {
    // What keeps it from being explained is what the decision says.
  }
  return { decision, rules: [], changes: [] };
}

interface Decided extends ExplainOptions {
  readonly decision: Decision;
}

function explainDecision(
  options: Decided,
  { deliberation }: { readonly deliberation: Deliberation },
): Explanation {
  const { decision } = options;
  const told = rulesAbout(options, deliberation);
  const decisive = new Set(decision.reasons.map(({ rule }) => rule));
  const rank = ({ id, state }: RuleExplanation): number => {
    if (state === 'not-satisfied') return 2;
    return decisive.has(id) ? 0 : 1;
  };
  return {
    decision,
    rules: [...told.values()]
      .sort((one, other) => rank(one) - rank(other) || (one.id < other.id ? -1 : 1))
      .slice(0, rulesMax),
    changes: [
      ...tryChanges(options, [...told.keys()]),
      ...tryWithout(options, deliberation, [...told.keys()]),
    ],
  };
}

/** Rules that were looked at, each once: it applies if it does so for any of the askers. */
function rulesAbout(
  options: ExplainOptions,
  deliberation: Deliberation,
): ReadonlyMap<Rule, RuleExplanation> {
  const { ruleSets, cedar } = options;
  const approved = approvedIn(options, deliberation);
  const told = new Map<Rule, RuleExplanation>();
  const tell = (rule: Rule, set: RuleSetPart, state: RuleState, facts: readonly string[]): void => {
    const known = told.get(rule)?.state;
    if (known !== undefined && strength[known] >= strength[state.state]) return;
    const { id, effect, place } = rule;
    told.set(rule, { id, set, effect, place, ...state, facts });
  };
  for (const party of deliberation.parties) {
    const bare = party.asker.cedar;
    const asked = {
      question: deliberation.question,
      cedar: approved === undefined ? bare : withApproval(bare, approved),
    };
    for (const [index, panel] of party.panels.entries()) {
      for (const set of ['authorize', 'oblige'] as const) {
        const rules = rulesOf(panel[set]);
        const states = statesOf(panel[set], () => readStates(rules, asked, cedar));
        for (const [place, rule] of rules.entries()) {
          tell(rule, set, states[place] ?? failed, factsOf(rule, cedar));
        }
        const others = ruleSets[index]?.[set].forOthers(party.asker.query, othersMax) ?? [];
        for (const rule of others) tell(rule, set, forOthers(rule), []);
      }
    }
  }
  return told;
}

const strength: Readonly<Record<RuleState['state'], number>> = {
  'not-satisfied': 0,
  failed: 1,
  applies: 2,
};
const failed: RuleState = { state: 'failed', unsatisfied: [] };

/** What people said, if the decision was made with it: if it is enough for all that forbids without it. */
function approvedIn(
  { request, cedar }: ExplainOptions,
  { parties, question }: Deliberation,
): Approved | undefined {
  if (request.context.approval === undefined) return undefined;
  const forbidding = parties.flatMap(({ asker, panels }) =>
    panels.flatMap(({ authorize }) => {
      const rules = rulesOf(authorize);
      const asked = { question, cedar: asker.cedar };
      const states = statesOf(authorize, () => readStates(rules, asked, cedar));
      return rules.filter(
        ({ effect }, place) => effect === 'forbid' && states[place]?.state === 'applies',
      );
    }),
  );
  return approvedFor(request, gatesOf(forbidding));
}

function rulesOf(slice: Slice): readonly Rule[] {
  return slice.type === 'sound' ? [...slice.rules.values()] : slice.rules;
}

function statesOf(slice: Slice, read: () => readonly RuleState[]): readonly RuleState[] {
  switch (slice.type) {
    case 'sound':
      return slice.rules.size === 0 ? [] : read();
    case 'unsound':
      return slice.rules.map(() => failed);
  }
}

function factsOf({ text }: Rule, cedar: CedarRuntime): readonly string[] {
  const answer = cedar.parse(text);
  return answer.type === 'success' ? factsReadBy(answer.json) : [];
}

/** The head says whom the rule is for, and it is somebody else. */
function forOthers({ principal }: Rule): RuleState {
  const within = principal.op === 'is' ? principal.in : principal;
  const entity = within !== undefined && 'entity' in within ? uidOf(within.entity) : undefined;
  const name = entity === undefined ? '' : ` ${entity.type}::${JSON.stringify(entity.id)}`;
  const type = principal.op === 'is' ? ` ${principal.entity_type}` : '';
  const operator = principal.op === 'is' && name !== '' ? `is${type} in` : principal.op + type;
  return { state: 'not-satisfied', unsatisfied: [`principal ${operator}${name}`] };
}

function tryChanges(
  { request, decision, decide }: Decided,
  rules: readonly Rule[],
): readonly ChangeExplanation[] {
  const changes: ChangeExplanation[] = [];
  let isTimeFound = false;
  for (const { change, request: other } of changesOf(request, decision, rules)) {
    const isTime = other.context.nowMs !== request.context.nowMs;
    if (isTime && isTimeFound) continue;
    const { effect } = decide(other);
    if (effect === decision.effect) continue;
    changes.push({ change, effect });
    isTimeFound ||= isTime;
  }
  return changes;
}

/** The rules that forbid, each left out in turn. */
function tryWithout(
  { decision, cedar }: Decided,
  deliberation: Deliberation,
  rules: readonly Rule[],
): readonly ChangeExplanation[] {
  const decisive = new Set(decision.reasons.map(({ rule }) => rule));
  const forbids = rules.filter(({ id, effect }) => effect === 'forbid' && decisive.has(id));
  return forbids.slice(0, forbidsMax).flatMap((rule) => {
    const without = (slice: Slice): Slice => {
      const all = rulesOf(slice);
      if (!all.includes(rule)) return slice;
      const { subject } = deliberation.question;
      return createSlice(
        all.filter((other) => other !== rule),
        subject,
        cedar,
      );
    };
    const parties = deliberation.parties.map(({ asker, panels }) => ({
      asker,
      panels: panels.map(({ authorize, oblige }) => ({ authorize: without(authorize), oblige })),
    }));
    const { effect } = decideQuestion({ ...deliberation, parties });
    return effect === decision.effect ? [] : [{ change: `there were no rule ${rule.id}`, effect }];
  });
}
