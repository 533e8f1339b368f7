import { RuleState } from '@modelhost/contracts';
import type {
  Decision,
  ExplainDecisionResponse,
  OutcomeChange,
  RuleExplanation,
} from '@modelhost/contracts';
import { effectNames } from '../text/effect-names.ts';
import { listObligations } from '../text/obligations-text.ts';
import type { Paint } from '../text/paint.ts';
import { toLine } from '../text/printable.ts';

/** The answer first, then the rules with what they read or lack, then what would have given another answer. */
export function renderExplanation(
  { decision, rules, changes }: ExplainDecisionResponse,
  paint: Paint,
): string {
  const inState = (state: RuleState): readonly RuleExplanation[] =>
    rules.filter((rule) => rule.state === state);
  return [
    ...(decision === undefined ? [] : renderDecision(decision, paint)),
    ...renderRules('failed, so everything is denied', inState(RuleState.FAILED), paint),
    ...renderRules('applies', inState(RuleState.APPLIES), paint),
    ...renderRules('does not apply', inState(RuleState.NOT_SATISFIED), paint),
    ...renderChanges(changes, paint),
  ].join('');
}

function renderDecision(decision: Decision, paint: Paint): readonly string[] {
  const { action, resource, effect, reasons, obligations, policyDigest } = decision;
  const must = listObligations(obligations);
  return [
    `${paintEffect(effect, paint)}  ${toLine(action, 64)} ${toLine(resource, 128)}\n`,
    ...reasons.map(({ rule, message }) => `  ${toLine(rule, 128)}: ${toLine(message, 400)}\n`),
    ...(must.length === 0 ? [] : [`  must: ${must.join(', ')}\n`]),
    ...(policyDigest === '' ? [] : [`  ${paint.dim(`policy ${policyDigest}`)}\n`]),
  ];
}

function renderRules(
  heading: string,
  rules: readonly RuleExplanation[],
  paint: Paint,
): readonly string[] {
  if (rules.length === 0) return [];
  return [
    `\n${paint.bold(heading)}\n`,
    ...rules.flatMap(({ rule, kind, place, state, facts, unsatisfied }) => {
      const why =
        state === RuleState.NOT_SATISFIED
          ? unsatisfied.map((clause) => `does not hold: ${toLine(clause, 400)}`)
          : facts.length === 0
            ? []
            : [`reads ${toLine(facts.join(', '), 400)}`];
      return [
        `  ${toLine(kind, 16).padEnd(6)}  ${toLine(rule, 128)}  ${paint.dim(toLine(place, 300))}\n`,
        ...why.map((line) => `          ${paint.dim(line)}\n`),
      ];
    }),
  ];
}

function renderChanges(changes: readonly OutcomeChange[], paint: Paint): readonly string[] {
  if (changes.length === 0) return [];
  return [
    `\n${paint.bold('what would change it')}\n`,
    ...changes.map(
      ({ change, effect }) => `  ${paintEffect(effect, paint)}  ${toLine(change, 300)}\n`,
    ),
  ];
}

function paintEffect(effect: number, paint: Paint): string {
  const name = (effectNames[effect] ?? 'unknown').padEnd(5);
  if (name.startsWith('allow')) return paint.green(name);
  return name.startsWith('hold') ? paint.yellow(name) : paint.red(name);
}
