import type { CedarQuestion, CedarRuntime } from '../cedar-runtime.ts';
import { leanQuestion, readsOf } from '../index/lean-question.ts';
import type { Question } from '../question.ts';
import type { Rule } from '../rules.ts';
import { actionIdsOf } from '../schema.ts';
import { clausesOf, clauseText, conditionsText } from './clauses.ts';
import type { ClauseText } from './clauses.ts';

/** What became of a rule whose head fits. */
export interface RuleState {
  readonly state: 'applies' | 'not-satisfied' | 'failed';
  /** Conditions that do not hold, or that failed, as they are written. */
  readonly unsatisfied: readonly string[];
}

type Outcome = 'holds' | 'does-not-hold' | 'failed';

/** A piece of a rule, told to Cedar as a rule of its own. */
interface Piece {
  readonly id: string;
  readonly conditions: string;
}

/** Evaluates the rules, their conditions and the parts of these apart, all with one question. May throw what Cedar throws. */
export function readStates(
  rules: readonly Rule[],
  asked: { readonly question: Question; readonly cedar: CedarQuestion },
  cedar: CedarRuntime,
): readonly RuleState[] {
  const clauses = rules.map(({ text }) => clausesOf(text));
  const pieces = clauses.flatMap((some, place) => piecesOf(String(place), some));
  const groups = actionIdsOf(asked.question.subject).slice(1);
  const policies: Record<string, string> = {};
  for (const { id, conditions } of pieces) {
    policies[id] = `permit (principal, action, resource) ${conditions};`;
  }
  const answer = cedar.evaluate({ policies }, leanQuestion(asked.cedar, readsOf(rules, groups)));
  if (answer.type === 'failure') return rules.map(() => ({ state: 'failed', unsatisfied: [] }));
  const { reason, errors } = answer.response.diagnostics;
  const held = new Set(reason);
  const failed = new Set(errors.map(({ policyId }) => policyId));
  const outcomeOf = (id: string): Outcome =>
    held.has(id) ? 'holds' : failed.has(id) ? 'failed' : 'does-not-hold';
  return clauses.map((some, place) => stateOf(String(place), some, outcomeOf));
}

function piecesOf(id: string, clauses: readonly ClauseText[]): readonly Piece[] {
  const whole = { id, conditions: conditionsText(clauses) };
  const single = clauses.flatMap((clause, place) => [
    { id: `${id}.${place}`, conditions: conditionsText([clause]) },
    ...clause.parts.map((part, number) => ({
      id: `${id}.${place}.${number}`,
      conditions: conditionsText([{ kind: 'when', body: part }]),
    })),
  ]);
  return [whole, ...single];
}

function stateOf(
  id: string,
  clauses: readonly ClauseText[],
  outcomeOf: (id: string) => Outcome,
): RuleState {
  const outcome = outcomeOf(id);
  if (outcome === 'holds') return { state: 'applies', unsatisfied: [] };
  // What fails by itself may be guarded by what stands before it, so that only in a rule that fails it is to blame.
  const blamed: readonly Outcome[] = outcome === 'failed' ? ['failed'] : ['does-not-hold'];
  const unsatisfied = clauses.flatMap((clause, place) => {
    if (!blamed.includes(outcomeOf(`${id}.${place}`))) return [];
    const parts = clause.parts.filter((_, number) =>
      blamed.includes(outcomeOf(`${id}.${place}.${number}`)),
    );
    return parts.length > 0
      ? parts.map((part) => clauseText({ ...clause, body: part }))
      : [clauseText(clause)];
  });
  return { state: outcome === 'failed' ? 'failed' : 'not-satisfied', unsatisfied };
}
