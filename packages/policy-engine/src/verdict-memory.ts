import type { AuthorizationAnswer } from '@cedar-policy/cedar-wasm/nodejs';
import { createBoundedMap } from './bounded-map.ts';
import type { CedarQuestion, CedarRuntime, PolicySlice } from './cedar-runtime.ts';
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

/**
 * Remembers the answers of Cedar, which are a function of the rules and of what the rules can read. What no rule names
 * (time, counters, run id, other arguments) is neither asked nor in the key, so that equal calls of different runs share
 * an answer. A question takes Cedar some ten microseconds, a memory of it a few.
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

  return (policies, question, reads) => {
    const asked = leanQuestion(question, reads);
    const key = `${numberOf(policies)}${JSON.stringify(asked)}`;
    if (key.length > keyLengthMax) return cedar.evaluate(policies, asked);
    return answers.getOrMake(key, () => cedar.evaluate(policies, asked));
  };
}
