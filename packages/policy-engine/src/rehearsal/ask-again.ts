import type { Decision, PolicyRequest } from '@modelhost/kernel';
import type { AskedRule } from './asked-rules.ts';
import { allArguments, fillMasked, mayReadMasked } from './masked-arguments.ts';
import type { RecordedDecision } from './recorded-decision.ts';

/** Tells which rules are asked about a request. A decision point does. */
export interface RuleReader {
  /** The rules that are asked about the request, with what each may read. */
  rulesAbout(request: PolicyRequest): readonly AskedRule[];
}

/** A request of the record as rules can be asked about it once more, or why they cannot. */
export type AskedAgain =
  | { readonly type: 'askable'; readonly request: PolicyRequest }
  /** Rules that may read a value that is not kept; `arguments-not-kept` or `policy-error` when it lies in no single rule. */
  | { readonly type: 'undecidable'; readonly rules: readonly string[] };

/** Reads a request of the record for these rules. Where something of it is not kept, what stands for that is read by none of them. */
export function askAgain(
  { request, decision, masked }: Pick<RecordedDecision, 'request' | 'decision' | 'masked'>,
  reader: RuleReader,
): AskedAgain {
  if (masked.length === 0) return { type: 'askable', request };
  if (masked.includes(allArguments)) return { type: 'undecidable', rules: ['arguments-not-kept'] };
  const filled = fillMasked(request, masked);
  const ids = reader
    .rulesAbout(filled)
    .filter((rule) => mayReadMasked(rule, filled, masked))
    .map(({ id }) => id);
  if (ids.length > 0) return { type: 'undecidable', rules: [...new Set(ids)].sort() };
  // A value may have been refused that what stands for it is not.
  if (isFault(decision)) return { type: 'undecidable', rules: ['policy-error'] };
  return { type: 'askable', request: filled };
}

/** Whether something failed, so that values may be the reason. */
export function isFault({ reasons }: Decision): boolean {
  return reasons.some(({ rule }) => rule === 'policy-error');
}
