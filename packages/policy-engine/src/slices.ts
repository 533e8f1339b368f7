import type { EntityUidJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import type { CedarRuntime, PolicySlice } from './cedar-runtime.ts';
import { uidOf } from './entity-uid.ts';
import type { Question } from './question.ts';
import type { Rule } from './rules.ts';
import { callToolGroup, schemaFor } from './schema.ts';
import type { SchemaSubject } from './schema.ts';

/** The rules that can matter for one action and resource, ready to be evaluated. */
export type Slice =
  | {
      readonly type: 'sound';
      readonly rules: ReadonlyMap<string, Rule>;
      readonly all: PolicySlice;
      readonly permits: PolicySlice;
      /** Members of the context that any of the rules may read. */
      readonly contextNamed: ReadonlySet<string>;
    }
  /** Rules that do not fit the schema; nothing may be decided with them. */
  | { readonly type: 'unsound'; readonly problems: readonly SliceProblem[] };

interface SliceProblem {
  /** Id of the rule; undefined when Cedar refuses the schema itself. */
  readonly rule: string | undefined;
  /** Cedar's words about rule and schema, for whoever writes the policies; no request has been seen yet. */
  readonly detail: string;
}

/** Rules whose scope does not exclude the action. */
export function rulesForAction(rules: readonly Rule[], subject: SchemaSubject): readonly Rule[] {
  const ids = subject.type === 'tool' ? [subject.action, callToolGroup] : [subject.action];
  return rules.filter(
    ({ actions }) => actions === undefined || actions.some((id) => ids.includes(id)),
  );
}

/** Rules whose scope excludes neither action nor resource. */
export function rulesForQuestion(rules: readonly Rule[], question: Question): readonly Rule[] {
  return rulesForAction(rules, question.subject).filter((rule) => isAbout(rule, question));
}

/** Checks the rules strictly against the schema of the action. Throws when Cedar does. */
export function createSlice(
  rules: readonly Rule[],
  subject: SchemaSubject,
  cedar: CedarRuntime,
): Slice {
  // Sorted, so that the same rules in other files or another order are the same slice.
  const sorted = rules.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const schema = schemaFor(
    subject,
    new Set(sorted.flatMap(({ actionsNamed }) => [...actionsNamed]).sort()),
  );
  const sliceOf = (some: readonly Rule[]): PolicySlice => ({
    schema,
    policies: Object.fromEntries(some.map(({ id, text }) => [id, text])),
  });
  const all = sliceOf(sorted);
  const answer = cedar.validate(all);
  if (answer.type === 'failure') {
    return {
      type: 'unsound',
      problems: answer.errors.map(({ message }) => ({ rule: undefined, detail: message })),
    };
  }
  if (answer.validationErrors.length > 0) {
    const problems = new Map(
      answer.validationErrors.map(({ policyId, error }) => [policyId, error.message]),
    );
    return {
      type: 'unsound',
      problems: [...problems.keys()]
        .sort()
        .map((rule) => ({ rule, detail: problems.get(rule) ?? '' })),
    };
  }
  return {
    type: 'sound',
    rules: new Map(sorted.map((rule) => [rule.id, rule])),
    all,
    permits: sliceOf(sorted.filter(({ effect }) => effect === 'permit')),
    contextNamed: new Set(sorted.flatMap(({ contextNamed }) => [...contextNamed])),
  };
}

function isAbout({ resource: constraint }: Rule, { resource, resourceParents }: Question): boolean {
  const isOneOf = (reference: EntityUidJson, candidates: readonly TypeAndId[]): boolean => {
    const { type, id } = uidOf(reference);
    return candidates.some((candidate) => candidate.type === type && candidate.id === id);
  };
  switch (constraint.op) {
    case 'All':
      return true;
    case '==':
      return !('entity' in constraint) || isOneOf(constraint.entity, [resource]);
    case 'in':
      return (
        !('entity' in constraint) || isOneOf(constraint.entity, [resource, ...resourceParents])
      );
    case 'is':
      return constraint.entity_type === resource.type;
  }
}
