import type { AuthorizationAnswer, CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs';
import { createBoundedMap } from './bounded-map.ts';
import type { CedarQuestion, CedarRuntime, PolicySlice } from './cedar-runtime.ts';
import { wholeContext } from './rule-names.ts';

/** Asks Cedar, or remembers what it said. May throw what Cedar throws; then nothing is remembered. */
export type Evaluate = (
  policies: PolicySlice,
  question: CedarQuestion,
  contextNamed: ReadonlySet<string>,
) => AuthorizationAnswer;

const answersMax = 4_096;
/** A longer question is asked anew: it would cost more to keep than to ask. */
const keyLengthMax = 4_096;

/**
 * Remembers the answers of Cedar, which are a function of the rules and of what the rules can read. Members of the
 * context that no rule names (time, counters, run id) are left out of the key, so that equal calls of different runs
 * share an answer. A question takes Cedar about 0.2 ms, a memory of it some microseconds.
 */
export function createVerdictMemory(cedar: CedarRuntime): Evaluate {
  const answers = createBoundedMap<AuthorizationAnswer>(answersMax);
  const numbers = new WeakMap<PolicySlice, number>();
  let slices = 0;

  function numberOf(policies: PolicySlice): number {
    const known = numbers.get(policies);
    if (known !== undefined) return known;
    slices += 1;
    numbers.set(policies, slices);
    return slices;
  }

  return (policies, question, contextNamed) => {
    const key = `${numberOf(policies)}${JSON.stringify(readable(question, contextNamed))}`;
    if (key.length > keyLengthMax) return cedar.evaluate(policies, question);
    return answers.getOrMake(key, () => cedar.evaluate(policies, question));
  };
}

/** The question without what no rule can read. */
function readable(question: CedarQuestion, contextNamed: ReadonlySet<string>): CedarQuestion {
  if (contextNamed.has(wholeContext)) return question;
  const context: Record<string, CedarValueJson> = {};
  for (const name of contextNamed) {
    const value = Object.hasOwn(question.context, name) ? question.context[name] : undefined;
    if (value !== undefined) context[name] = value;
  }
  return { ...question, context };
}
