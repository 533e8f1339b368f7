import type { ResidualResponse } from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyAsker, PolicyRequest, ToolDefinition } from '@modelhost/kernel';
import { noHistory, noStatistics, plainLabels } from '@modelhost/kernel';
import { actionType, callToolGroup, reservedActions } from '../actions.ts';
import { createBoundedMap } from '../bounded-map.ts';
import type { CedarQuestion, CedarRuntime } from '../cedar-runtime.ts';
import type { RuleQuery } from '../index/rule-index.ts';
import { readAskers } from '../question.ts';
import type { AskerEntity } from '../question.ts';
import { wholeContext } from '../rule-names.ts';
import type { RuleSet } from '../rule-set.ts';
import type { Rule } from '../rules.ts';
import { readTarget } from '../target.ts';
import type { Target } from '../target.ts';
import { askPartly } from './partial-question.ts';
import type { PartialQuestion } from './partial-question.ts';

/** Knows what can be said of every call of a tool before there is one. */
export interface Certainty {
  /** Whether no call of the tool by the asker could be allowed or held, or a rule forbids to list it. */
  isHidden(asker: PolicyAsker, tool: ToolDefinition, ruleSets: readonly RuleSet[]): boolean;
  /** How often Cedar had to be asked so far. */
  questionsAsked(): number;
}

/** What the rules about one tool say whatever the arguments, as far as Cedar was asked. */
type Answer = { readonly isDenied: boolean };

const answersMax = 4_096;

/** Scopes are looked at first, and Cedar is asked only about rules that look at what is known beforehand. */
export function createCertainty(cedar: CedarRuntime): Certainty {
  const answers = createBoundedMap<Answer>(answersMax);
  const numbers = new WeakMap<Rule, number>();
  let rulesSeen = 0;
  let questions = 0;

  function numberOf(rule: Rule): number {
    const known = numbers.get(rule);
    if (known !== undefined) return known;
    rulesSeen += 1;
    numbers.set(rule, rulesSeen);
    return rulesSeen;
  }

  function isDenied(
    rules: readonly Rule[],
    question: CedarQuestion,
    needsPermit: boolean,
  ): boolean {
    const forbids = rules.filter(({ effect }) => effect === 'forbid');
    const permits = rules.filter(({ effect }) => effect === 'permit');
    if (forbids.some(appliesAlways)) return true;
    if (needsPermit && permits.length === 0) return true;
    const isOpen = !needsPermit || permits.some((rule) => !looksAtKnown(rule));
    // Of permits it matters only whether there is one that could apply.
    const asked = [...forbids, ...(isOpen ? [] : permits)].filter(looksAtKnown);
    if (asked.length === 0) return false;
    const { policies, worlds } = askPartly(asked, question);
    const key = `${asked.map(numberOf).join()} ${isOpen ? 'open' : ''} ${JSON.stringify(worlds)}`;
    const isDeniedIn = (world: CedarQuestion): boolean => {
      questions += 1;
      const said = cedar.evaluatePartially({ policies }, world);
      return said.type === 'residuals' && deniesAll(said.response, { asked, policies, isOpen });
    };
    // Members that may be missing are both there and missing: only what is denied in all these worlds is certain.
    return answers.getOrMake(key, () => ({ isDenied: worlds.every(isDeniedIn) })).isDenied;
  }

  return {
    questionsAsked: () => questions,
    isHidden: (asker, tool, ruleSets) => {
      const askers = readAskers(asker, 'CallTool');
      if (askers.type === 'refused' || reservedActions.has(tool.name)) return true;
      const target = readTarget(listRequest(asker, tool), () => noArguments);
      if (target.type === 'refused') return true;
      return askers.askers.some((who) => {
        const call = partsOf({ actions: [tool.name, callToolGroup], asker, who, target });
        const list = partsOf({ actions: ['ListTool'], asker, who, target });
        const rulesOf = (query: RuleQuery): readonly Rule[] =>
          ruleSets.flatMap(({ authorize }) => authorize.candidates(query));
        // A remedy could lift what forbids a call. Nobody asks for one to see a tool.
        const forCall = rulesOf(call.query).filter(({ remedy }) => remedy === undefined);
        const forList = rulesOf(list.query).filter(({ effect }) => effect === 'forbid');
        return isDenied(forList, list.question, false) || isDenied(forCall, call.question, true);
      });
    },
  };
}

interface Asked extends Pick<PartialQuestion, 'policies'> {
  readonly asked: readonly Rule[];
  /** Another permit could apply. */
  readonly isOpen: boolean;
}

/** Whether a rule fails or forbids for certain, or no permit could apply. */
function deniesAll(response: ResidualResponse, { asked, policies, isOpen }: Asked): boolean {
  const { satisfied, errored, nontrivialResiduals } = response;
  // A part may fail by itself where the whole is guarded.
  const possible = new Set([...satisfied, ...nontrivialResiduals, ...errored]);
  const isPossible = (place: number): boolean =>
    Object.keys(policies).every((id) => id.split('.')[0] !== String(place) || possible.has(id));
  const isFailed = errored.some((id) => !id.includes('.'));
  const isForbidden = satisfied.some((id) => asked[Number(id)]?.effect === 'forbid');
  const isPermitted =
    isOpen || asked.some(({ effect }, place) => effect === 'permit' && isPossible(place));
  return isFailed || isForbidden || !isPermitted;
}

const noArguments = { type: 'record', members: new Map() } as const;

/** Whatever is asked, given that its head fits. */
function appliesAlways({ entitiesRead }: Rule): boolean {
  return !entitiesRead.hasConditions;
}

/** Members of the context that are known before there is a call. */
const knownMembers = ['agent', 'delegated'];

/** Whether there is anything in the conditions that is known before there is a call. */
function looksAtKnown({ entitiesRead, contextNamed }: Rule): boolean {
  if (!entitiesRead.hasConditions || contextNamed.includes(wholeContext)) return false;
  const { principal, resource, action, others, compared } = entitiesRead;
  if (principal || resource || action || others || compared.length > 0) return true;
  return contextNamed.some((name) => knownMembers.includes(name));
}

interface Parts {
  readonly actions: readonly [string, ...string[]];
  readonly asker: PolicyAsker;
  readonly who: AskerEntity;
  readonly target: Target;
}

function partsOf({ actions, asker, who, target }: Parts): {
  readonly query: RuleQuery;
  readonly question: CedarQuestion;
} {
  const { principal, parents, entity } = who;
  const { resource, resourceParents } = target;
  const [id, ...groups] = actions;
  const action = { type: actionType, id };
  return {
    query: { actions, principal, principalParents: parents, resource, resourceParents },
    question: {
      principal,
      action,
      resource,
      context: { agent: asker.agent, delegated: asker.isDelegated },
      entities: [
        entity,
        target.entity,
        {
          uid: action,
          attrs: {},
          parents: groups.map((group) => ({ type: actionType, id: group })),
        },
      ],
    },
  };
}

/** A question about the tool of which only the tool and the asker matter. */
function listRequest(asker: PolicyAsker, tool: ToolDefinition): PolicyRequest {
  return {
    ...asker,
    action: 'ListTool',
    resource: { type: 'tool', tool, arguments: {} },
    context: {
      runId: '',
      nowMs: 0,
      callDigest: '',
      spent: noStatistics,
      approval: undefined,
      labels: plainLabels,
      evidence: undefined,
      history: noHistory,
    },
  };
}
