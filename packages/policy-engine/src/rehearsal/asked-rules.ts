import type { Deliberation } from '../decide.ts';
import type { Rule } from '../rules.ts';

/** A rule that is asked about a request, by what it may read. */
export type AskedRule = Pick<Rule, 'id' | 'argumentsNamed' | 'contextNamed'>;

type Reading =
  | { readonly type: 'deliberation'; readonly deliberation: Deliberation }
  | { readonly type: 'refused' };

/** The rules that are asked in any part of a deliberation, each once; none when there is no deliberation. */
export function askedRules(read: () => Reading): readonly AskedRule[] {
  try {
    const reading = read();
    return reading.type === 'refused' ? [] : rulesIn(reading.deliberation);
  } catch {
    // Then the decision is a deny for that reason, and no rule is asked.
    return [];
  }
}

function rulesIn({ parties }: Deliberation): readonly AskedRule[] {
  const slices = parties.flatMap(({ panels }) =>
    panels.flatMap(({ authorize, oblige }) => [authorize, oblige]),
  );
  return [...new Set(slices.flatMap(({ rules }) => [...rules.values()]))];
}
