import type { AuthorizationAnswer } from '@cedar-policy/cedar-wasm/nodejs';
import { createBoundedMap } from './bounded-map.ts';
import type { CedarQuestion, CedarRuntime, PolicySlice } from './cedar-runtime.ts';
import { flatQuestion } from './index/flat-question.ts';
import type { FlatRules } from './index/flat-question.ts';
import { flattenRules } from './index/flat-rules.ts';
import { leanQuestion } from './index/lean-question.ts';
import type { SliceReads } from './index/lean-question.ts';

/** Asks Cedar what the rules can read of the question, or remembers what it said. May throw what Cedar throws; then nothing is remembered. */
export type Evaluate = (
  policies: PolicySlice,
  question: CedarQuestion,
  reads: SliceReads,
) => AuthorizationAnswer;

const answersMax = 4_096;
/** A longer question is asked anew: it would cost more to keep than to ask. */
const keyLengthMax = 4_096;

/** What is known of rules that were asked before. */
interface Known {
  /** Stands for the rules in keys. */
  readonly number: number;
  /** The rules in the form that Cedar takes fastest; undefined when they have none. */
  readonly flat: { readonly rules: FlatRules; readonly slice: PolicySlice } | undefined;
}

/**
 * Remembers the answers of Cedar, which are a function of the rules and of what the rules can read. What no rule names
 * (time, counters, run id, other arguments) is neither asked nor in the key, so that equal calls of different runs share
 * an answer. A question takes Cedar some ten microseconds, a memory of it a few.
 */
export function createVerdictMemory(cedar: CedarRuntime): Evaluate {
  const answers = createBoundedMap<AuthorizationAnswer>(answersMax);
  const knownSlices = new WeakMap<PolicySlice, Known>();
  let slices = 0;

  function knownOf(policies: PolicySlice): Known {
    const known = knownSlices.get(policies);
    if (known !== undefined) return known;
    slices += 1;
    const rules = flattenSlice(policies, cedar);
    const flat = rules === undefined ? undefined : { rules, slice: { policies: rules.policies } };
    const made = { number: slices, flat };
    knownSlices.set(policies, made);
    return made;
  }

  return (policies, question, reads) => {
    const { number, flat } = knownOf(policies);
    const flatAsked = flat === undefined ? undefined : flatQuestion(question, flat.rules);
    const asked = flatAsked ?? leanQuestion(question, reads);
    const slice = flat === undefined || flatAsked === undefined ? policies : flat.slice;
    // Numbers are the names of values in a flat question, so its context is mistaken for no other question.
    const isOfValues = flatAsked !== undefined && flat?.rules.isAboutEntities === false;
    const key = `${number}${JSON.stringify(isOfValues ? asked.context : asked)}`;
    if (key.length > keyLengthMax) return cedar.evaluate(slice, asked);
    return answers.getOrMake(key, () => cedar.evaluate(slice, asked));
  };
}

function flattenSlice({ policies }: PolicySlice, cedar: CedarRuntime): FlatRules | undefined {
  const parsed = Object.entries(policies).flatMap(([id, policy]) => {
    if (typeof policy !== 'string') return [{ id, policy }];
    const answer = cedar.parse(policy);
    return answer.type === 'success' ? [{ id, policy: answer.json }] : [];
  });
  return parsed.length < Object.keys(policies).length ? undefined : flattenRules(parsed);
}
