import type { CedarRuntime, PolicySlice } from './cedar-runtime.ts';
import { readsOf } from './index/lean-question.ts';
import type { SliceReads } from './index/lean-question.ts';
import type { Rule } from './rules.ts';
import { actionIdsOf, schemaFor } from './schema.ts';
import type { SchemaSubject } from './schema.ts';

/** The rules that can matter for one action and resource, ready to be evaluated. */
export type Slice =
  | {
      readonly type: 'sound';
      readonly rules: ReadonlyMap<string, Rule>;
      readonly all: PolicySlice;
      readonly permits: PolicySlice;
      readonly reads: SliceReads;
    }
  /** Some do not fit the schema; nothing may be decided with them. */
  | {
      readonly type: 'unsound';
      readonly rules: readonly Rule[];
      readonly problems: readonly SliceProblem[];
    };

interface SliceProblem {
  /** Id of the rule; undefined when Cedar refuses the schema itself. */
  readonly rule: string | undefined;
  /** Cedar's words about rule and schema, for whoever writes the policies; no request has been seen yet. */
  readonly detail: string;
}

/** Of no rules, whatever is asked. */
export const emptySlice: Slice = {
  type: 'sound',
  rules: new Map(),
  all: { policies: {} },
  permits: { policies: {} },
  reads: readsOf([], []),
};

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
  const all = sliceOf(sorted);
  const answer = cedar.validate({ ...all, schema });
  if (answer.type === 'failure') {
    return {
      type: 'unsound',
      rules: sorted,
      problems: answer.errors.map(({ message }) => ({ rule: undefined, detail: message })),
    };
  }
  if (answer.validationErrors.length > 0) {
    const problems = new Map(
      answer.validationErrors.map(({ policyId, error }) => [policyId, error.message]),
    );
    return {
      type: 'unsound',
      rules: sorted,
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
    reads: readsOf(sorted, actionIdsOf(subject).slice(1)),
  };
}

/**
 * Without a schema: whatever is asked has been made to its types, argument by argument. So the rules are prepared once
 * for all actions that they are about, and a question need not be told whole.
 */
function sliceOf(rules: readonly Rule[]): PolicySlice {
  return { policies: Object.fromEntries(rules.map(({ id, text }) => [id, text])) };
}
