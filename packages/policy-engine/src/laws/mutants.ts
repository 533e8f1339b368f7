import type { Decision } from '@modelhost/kernel';
import { sharedCedar } from '../cedar-runtime.ts';
import type { CedarQuestion } from '../cedar-runtime.ts';
import { leanQuestion } from '../index/lean-question.ts';
import type { RuleIndex } from '../index/rule-index.ts';
import { joinObligations } from '../obligations.ts';
import { partsOf } from '../policy-engine.ts';
import type { DecisionPoint, EngineParts } from '../policy-engine.ts';
import type { Rule } from '../rules.ts';
import type { Evaluate } from '../verdict-memory.ts';
import { worldOf } from './law-world.ts';
import type { LawRules, World } from './law-world.ts';

/** A decision point with one bug planted, which at least one law has to find. */
export interface Mutant {
  readonly bug: string;
  readonly world: World;
}

const sound: EngineParts = partsOf(sharedCedar);

/** The bugs, each as it could be written by accident. */
export const mutants: readonly Mutant[] = [
  {
    bug: 'a rule that fails is skipped',
    world: worldOf({ ...sound, evaluate: forgivingEvaluate }),
  },
  {
    bug: 'rules about a group of actions are not found',
    world: worldOf(sound, (index) => ({
      ...index,
      candidates: (query) => index.candidates({ ...query, actions: query.actions.slice(0, 1) }),
    })),
  },
  {
    bug: 'rules about what is in a server are not found',
    world: worldOf(sound, (index) => ({
      ...index,
      candidates: (query) => index.candidates({ ...query, resourceParents: [] }),
    })),
  },
  { bug: 'the rules found for one principal serve another', world: worldOf(sound, mixPrincipals) },
  { bug: 'reasons come in the order of Cedar', world: decidingBy(shuffleReasons) },
  {
    bug: 'answers are remembered without the context',
    world: worldOf({ ...sound, evaluate: rememberBy(({ entities }) => [entities]) }),
  },
  {
    bug: 'answers are remembered without the entities',
    world: worldOf({ ...sound, evaluate: rememberBy(({ context }) => [context]) }),
  },
  { bug: 'what cannot be asked is allowed', world: decidingBy(allowFaults) },
  {
    bug: 'the last redaction replaces the others',
    world: worldOf({
      ...sound,
      join: (one, other) => ({ ...joinObligations(one, other), redact: other.redact }),
    }),
  },
  { bug: 'of two limits the higher one counts', world: worldOf({ ...sound, join: joinHighest }) },
  {
    bug: 'the rules of the tenant are not asked',
    world: spoiling(
      (point) => point,
      (sets) => sets.slice(0, 1),
    ),
  },
  {
    bug: 'the agent is not asked',
    world: spoiling((point) => ({
      ...point,
      decide: (request) => point.decide({ ...request, isDelegated: false }),
    })),
  },
];

function forgivingEvaluate(
  ...[policies, question, reads]: Parameters<Evaluate>
): ReturnType<Evaluate> {
  const answer = sound.evaluate(policies, question, reads);
  if (answer.type === 'failure') return answer;
  const { response } = answer;
  const diagnostics = { ...response.diagnostics, errors: [] };
  return { ...answer, response: { ...response, diagnostics } };
}

function mixPrincipals(index: RuleIndex): RuleIndex {
  const found = new Map<string, readonly Rule[]>();
  return {
    ...index,
    candidates: (query) => {
      const key = JSON.stringify([query.actions, query.resource, query.resourceParents]);
      const rules = found.get(key) ?? index.candidates(query);
      found.set(key, rules);
      return rules;
    },
  };
}

/** A memory of which the key holds only a part of the question, beside who does what. */
function rememberBy(partOf: (question: CedarQuestion) => readonly unknown[]): Evaluate {
  const answers = new WeakMap<object, Map<string, ReturnType<Evaluate>>>();
  return (policies, question, reads) => {
    const asked = leanQuestion(question, reads);
    const known = answers.get(policies) ?? new Map<string, ReturnType<Evaluate>>();
    answers.set(policies, known);
    const { principal, action, resource } = asked;
    const key = JSON.stringify([principal, action, resource, ...partOf(asked)]);
    const answer = known.get(key) ?? sharedCedar.evaluate(policies, asked);
    known.set(key, answer);
    return answer;
  };
}

function joinHighest(
  ...[one, other]: Parameters<typeof joinObligations>
): ReturnType<typeof joinObligations> {
  const limits = { ...one.limits, ...other.limits };
  for (const name of ['maxOutputTokens', 'resultBytesMax', 'timeoutMsMax'] as const) {
    const highest = Math.max(one.limits[name] ?? 0, other.limits[name] ?? 0);
    if (highest > 0) limits[name] = highest;
  }
  return { ...joinObligations(one, other), limits };
}

/** What is asked or used is changed on the way in. */
function spoiling(
  change: (point: DecisionPoint) => DecisionPoint,
  choose: (sets: readonly LawRules[]) => readonly LawRules[] = (sets) => sets,
): World {
  const world = worldOf(sound);
  return { ...world, pointOf: (sets) => change(world.pointOf(choose(sets))) };
}

/** What is decided is changed on the way out. */
function decidingBy(change: (decision: Decision, turn: number) => Decision): World {
  return spoiling((point) => {
    let turn = 0;
    return {
      ...point,
      decide: async (request) => {
        turn += 1;
        return change(await point.decide(request), turn);
      },
    };
  });
}

/** Cedar gives another order each time. */
function shuffleReasons(decision: Decision, turn: number): Decision {
  const { reasons } = decision;
  return { ...decision, reasons: turn % 2 === 0 ? reasons.toReversed() : reasons };
}

function allowFaults(decision: Decision): Decision {
  const { reasons, obligations, policyDigest, bundles } = decision;
  const isFault = reasons.some(({ rule }) => rule === 'policy-error');
  return isFault ? { effect: 'allow', reasons, obligations, policyDigest, bundles } : decision;
}
