import type { DecisionReason } from '@modelhost/kernel';
import type { CedarQuestion, PolicySlice } from './cedar-runtime.ts';
import type { Question } from './question.ts';
import type { Rule } from './rules.ts';
import type { Slice } from './slices.ts';
import type { Evaluate } from './verdict-memory.ts';

/** What a set of rules says of one question. `fault`: a rule failed, or rules and question do not go together. */
export type Verdict =
  | { readonly effect: 'permit'; readonly rules: readonly Rule[] }
  | { readonly effect: 'forbid'; readonly rules: readonly Rule[] }
  | { readonly effect: 'nothing' }
  | {
      readonly effect: 'fault';
      readonly reasons: readonly DecisionReason[];
      /** Those that applied, and those that failed or could not be asked, so that they may have applied. */
      readonly rules: readonly Rule[];
    };

/** Whom to ask about what, and with which of the rules. */
export interface Asking {
  readonly question: Question;
  readonly cedar: CedarQuestion;
  readonly slice: Slice;
  readonly evaluate: Evaluate;
  readonly isPermitsOnly?: boolean;
}

/** Asks a set of rules. May throw what Cedar throws. */
export function readVerdict({
  question,
  cedar,
  slice,
  evaluate,
  isPermitsOnly = false,
}: Asking): Verdict {
  switch (slice.type) {
    case 'unsound':
      return unsoundVerdict(slice, question);
    case 'sound': {
      if (slice.rules.size === 0) return { effect: 'nothing' };
      const blind = blindVerdict(slice, question);
      if (blind !== undefined) return blind;
      return askCedar(slice, isPermitsOnly ? slice.permits : slice.all, { cedar, evaluate });
    }
  }
}

type SoundSlice = Extract<Slice, { readonly type: 'sound' }>;

function askCedar(
  slice: SoundSlice,
  policies: PolicySlice,
  { cedar, evaluate }: Pick<Asking, 'cedar' | 'evaluate'>,
): Verdict {
  const answer = evaluate(policies, cedar, slice.reads);
  if (answer.type === 'failure') {
    return {
      effect: 'fault',
      reasons: [{ rule: 'policy-error', message: 'the request does not fit the schema' }],
      rules: [...slice.rules.values()],
    };
  }
  const { decision, diagnostics } = answer.response;
  // Cedar skips a rule that fails, so a forbid that fails would allow.
  if (diagnostics.errors.length > 0) {
    const ids = [...new Set(diagnostics.errors.map(({ policyId }) => policyId))];
    return {
      effect: 'fault',
      reasons: ids.map((rule) => ({ rule, message: 'policy error' })),
      rules: [...ids, ...diagnostics.reason].flatMap((id) => slice.rules.get(id) ?? []),
    };
  }
  const rules = diagnostics.reason.flatMap((id) => slice.rules.get(id) ?? []);
  if (decision === 'allow') return { effect: 'permit', rules };
  return rules.length === 0 ? { effect: 'nothing' } : { effect: 'forbid', rules };
}

function unsoundVerdict(
  { problems, rules }: Extract<Slice, { readonly type: 'unsound' }>,
  { subject, resource }: Question,
): Verdict {
  const name = subject.type === 'tool' ? resource.id : subject.action;
  const reasons = problems.map(({ rule }) => ({
    rule: 'policy-error',
    message:
      rule === undefined
        ? `${name}: its schema cannot be used by policy`
        : `rule ${rule} does not fit the schema of ${name}`,
  }));
  return { effect: 'fault', reasons, rules };
}

/** A rule that asks for an argument policy cannot see would never find it, though it is there. */
function blindVerdict({ rules }: SoundSlice, { hiddenArguments }: Question): Verdict | undefined {
  if (hiddenArguments.size === 0) return undefined;
  const blind = [...rules.values()].filter(({ argumentsNamed }) =>
    argumentsNamed.some((name) => hiddenArguments.has(name)),
  );
  if (blind.length === 0) return undefined;
  const reasons = blind.map(({ id }) => ({
    rule: 'policy-error',
    message: `rule ${id} names an argument whose type policy cannot see`,
  }));
  return { effect: 'fault', reasons, rules: [...rules.values()] };
}
